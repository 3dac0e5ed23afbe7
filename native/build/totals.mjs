// Adds up the results of the TAP files given as arguments: prints the failures, with their diagnosis, and tests that
// passed only when repeated, then the line "N passed, N failed, N skipped". Exits with 1 if a test failed or a file is
// incomplete, as after a crash of the runner.
import { existsSync, readFileSync } from 'node:fs';

/** A failed assertion or file, without the tests in between, which fail with their contents. */
const failure = /^(?: +not ok (?!.*# (?:TODO|SKIP|time=))|not ok ).*\n *---\n(?:.*\n)*? *\.\.\.$/gm;

const totals = { pass: 0, fail: 0, skip: 0 };
let complete = true;
for (const file of process.argv.slice(2)) {
  const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
  for (const [block] of text.matchAll(failure)) console.log(block);
  for (const [line] of text.matchAll(/^# again: .*: +not ok .*$/gm)) console.log(line);
  const last = [...text.matchAll(/^# \{ (total: .*) \}$/gm)].at(-1);
  if (last === undefined) {
    console.log(`${file}: the test run did not end`);
    complete = false;
    continue;
  }
  const counts = new Map(last[1].split(', ').map((item) => item.split(': ')));
  for (const name of Object.keys(totals)) totals[name] += Number(counts.get(name) ?? 0);
}
console.log(`${totals.pass} passed, ${totals.fail} failed, ${totals.skip} skipped`);
process.exit(complete && totals.fail === 0 && totals.pass > 0 ? 0 : 1);
