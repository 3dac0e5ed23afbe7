// Writes what was run where, with the results, into the table of docs/support.md. usage: support.mjs TAP...
//
// Each file begins with the comment of conformance/harness/machine.sh. Its rows replace those of the same subject on the
// same machine, and the other rows stay.
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const repository = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const page = resolve(repository, 'docs/support.md');
const head = '| subject | kernel | system | architecture | cgroup | driver | LSM | date | with rt | with runc |';

/** Files of engines by the beginning of their names, and what has their version. */
const engines = [
  ['docker', 'Docker', 'docker'],
  ['podman', 'Podman', 'podman'],
  ['containerd', 'containerd', 'containerd'],
];

function subjectOf(file, machine) {
  if (!file.startsWith('conformance/engines/')) return 'rt itself';
  const name = file.slice('conformance/engines/'.length);
  const [, title, key] = engines.find(([prefix]) => name.startsWith(prefix)) ?? [];
  // containerd 2 is built from source, and is not what the package says.
  return title === undefined ? undefined : `${title} ${machine[key]}`;
}

/** The rows of one TAP file. */
function rowsOf(path) {
  const lines = readFileSync(path, 'utf8').split('\n');
  const line = lines.find((one) => one.startsWith('# machine: '));
  if (line === undefined) throw new Error(`${path} does not say what it ran on`);
  const machine = JSON.parse(line.slice('# machine: '.length));
  const subjects = new Map();
  let subject;
  for (const one of lines) {
    const [, file] = /^# Subtest: (\S+)$/.exec(one) ?? [];
    if (file !== undefined) {
      subject = subjectOf(file, machine);
      if (subject !== undefined && !subjects.has(subject)) subjects.set(subject, { files: 0, runtimes: new Map() });
      if (subject !== undefined) subjects.get(subject).files++;
    }
    const [, failed, name, runtime, skip] = /^ {4}(not )?ok \d+ - (.*) \((\w+)\)( # SKIP)?/.exec(one) ?? [];
    if (
      name === undefined ||
      subject === undefined ||
      (subject.startsWith('containerd') && name.startsWith('containerd 2'))
    )
      continue;
    const { runtimes } = subjects.get(subject);
    if (!runtimes.has(runtime)) runtimes.set(runtime, { passed: 0, failed: 0, skipped: 0 });
    runtimes.get(runtime)[skip !== undefined ? 'skipped' : failed !== undefined ? 'failed' : 'passed']++;
  }
  const { kernel, system, architecture, cgroup, driver, lsm, date, runc } = machine;
  return [...subjects].map(([name, { files, runtimes }]) => {
    const what = name === 'rt itself' ? `rt itself, ${files} files of cases` : name;
    const peer = runtimes.has('runc') ? `${runc}: ${counts(runtimes.get('runc'))}` : '';
    return [what, kernel, system, architecture, cgroup, driver, lsm, date, counts(runtimes.get('rt')), peer];
  });
}

function counts(results) {
  if (results === undefined) return '';
  return Object.entries(results)
    .filter(([, count]) => count > 0)
    .map(([word, count]) => `${count} ${word}`)
    .join(', ');
}

/** Of two rows with the same key the later one holds. */
const keyOf = ([what, ...others]) => [what.replace(/, .*/, ''), ...others.slice(0, 6)].join();

const text = readFileSync(page, 'utf8');
const start = text.indexOf(head);
const table = /^(?:\|.*\n)+/.exec(text.slice(start))?.[0] ?? '';
const rows = new Map();
for (const line of table.split('\n').slice(2).filter(Boolean)) {
  const row = line
    .slice(1, -1)
    .split('|')
    .map((cell) => cell.trim());
  rows.set(keyOf(row), row);
}
for (const path of process.argv.slice(2)) for (const row of rowsOf(path)) rows.set(keyOf(row), row);
const sorted = [...rows.values()].sort((a, b) => a.join('|').localeCompare(b.join('|'), 'en', { numeric: true }));
const made = [head, '|---|---|---|---|---|---|---|---|---|---|', ...sorted.map((row) => `| ${row.join(' | ')} |`)];
writeFileSync(page, `${text.slice(0, start)}${made.join('\n')}\n${text.slice(start + table.length)}`);
console.log(made.join('\n'));
