// Writes what was run where, with the results, into the tables of docs/support.md and docs/engines/README.md.
// usage: support.mjs TAP...
//
// Each file begins with the comment of conformance/harness/machine.sh. Results of one machine in several files are added up;
// of a case that several contain, the last result holds. The rows replace those of the same subject on the same machine,
// and the other rows stay.
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const repository = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const page = resolve(repository, 'docs/support.md');
const head = '| subject | kernel | system | architecture | cgroup | driver | LSM | date | with rt | with runc |';
/** The table of the engines alone, with the columns that it has of the other one. */
const enginesPage = resolve(repository, 'docs/engines/README.md');
const enginesHead =
  '| engine | kernel | architecture | cgroup | driver | LSM | cases with rt | cases with runc, the control |';
const enginesColumns = [0, 1, 3, 4, 5, 6, 8, 9];

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

/** The results of one TAP file by subject: those of each test file by case and runtime. Cases that were not selected are none. */
function resultsOf(path) {
  const lines = readFileSync(path, 'utf8').split('\n');
  const line = lines.find((one) => one.startsWith('# machine: '));
  if (line === undefined) throw new Error(`${path} does not say what it ran on`);
  const machine = JSON.parse(line.slice('# machine: '.length));
  const subjects = new Map();
  let subject, results;
  for (const one of lines) {
    const [, file] = /^# Subtest: (\S+)$/.exec(one) ?? [];
    if (file !== undefined) {
      subject = subjectOf(file, machine);
      results = new Map();
      if (subject !== undefined) subjects.set(subject, (subjects.get(subject) ?? new Map()).set(file, results));
    }
    const [, failed, name, runtime, skip, reason = ''] =
      /^ {4}(not )?ok \d+ - (.*) \((\w+)\)( # SKIP)?(.*)/.exec(one) ?? [];
    if (
      name === undefined ||
      subject === undefined ||
      reason.startsWith(' filter: ') ||
      (subject.startsWith('containerd') && name.startsWith('containerd 2'))
    )
      continue;
    const result = skip !== undefined ? 'skipped' : failed !== undefined ? 'failed' : 'passed';
    results.set(`${runtime} ${name}`, { runtime, result });
  }
  return { machine, subjects };
}

/** The test files that were run: a few are named, and have a row of their own. */
function selection(files) {
  if (files.length > 16) return `, ${files.length} files of cases`;
  return `: ${files
    .map((file) => file.replace(/^.*\/|\.test\.ts$/g, ''))
    .sort()
    .join(' ')}`;
}

/** The row of a subject on a machine. */
function rowOf(subject, { kernel, system, architecture, cgroup, driver, lsm, date, runc }, files) {
  const what = subject === 'rt itself' ? `rt itself${selection([...files.keys()])}` : subject;
  const all = [...files.values()].flatMap((results) => [...results.values()]);
  const sum = (runtime) => {
    const total = (word) => all.filter((one) => one.runtime === runtime && one.result === word).length;
    return counts({ passed: total('passed'), failed: total('failed'), skipped: total('skipped') });
  };
  const control = sum('runc');
  const peer = control === '' ? '' : `${runc}: ${control}`;
  return [what, kernel, system, architecture, cgroup, driver, lsm, date, sum('rt'), peer];
}

/** The rows of all TAP files. */
function rowsOf(paths) {
  const all = new Map();
  for (const { machine, subjects } of paths.map(resultsOf)) {
    for (const [subject, files] of subjects) {
      const key = JSON.stringify([subject, { ...machine, date: '' }]);
      const merged = all.get(key)?.files ?? new Map();
      for (const [file, results] of files) merged.set(file, new Map([...(merged.get(file) ?? []), ...results]));
      all.set(key, { subject, machine, files: merged });
    }
  }
  return [...all.values()].map(({ subject, machine, files }) => rowOf(subject, machine, files));
}

function counts(results) {
  return Object.entries(results)
    .filter(([, count]) => count > 0)
    .map(([word, count]) => `${count} ${word}`)
    .join(', ');
}

/** Of two rows with the same key the later one holds. */
const keyOf = ([what, ...others]) => [what.replace(/, .*/, ''), ...others.slice(0, 6)].join();

const tableLine = (cells) => `| ${cells.join(' | ')} |`;

/** The table below a line of heads, with where it begins and ends. */
function tableOf(text, heads) {
  const start = text.indexOf(heads);
  if (start < 0) throw new Error(`no table: ${heads}`);
  const end = start + /^(?:\|.*\n)+/.exec(text.slice(start))[0].length;
  return { start, end };
}

function writeTable(path, heads, rows) {
  const text = readFileSync(path, 'utf8');
  const { start, end } = tableOf(text, heads);
  const rule = `|${'---|'.repeat(heads.split('|').length - 2)}`;
  const made = [heads, rule, ...rows.map(tableLine)].join('\n');
  writeFileSync(path, `${text.slice(0, start)}${made}\n${text.slice(end)}`);
  return made;
}

const text = readFileSync(page, 'utf8');
const { start, end } = tableOf(text, head);
const rows = new Map();
for (const line of text.slice(start, end).split('\n').slice(2).filter(Boolean)) {
  const row = line
    .slice(1, -1)
    .split('|')
    .map((cell) => cell.trim());
  rows.set(keyOf(row), row);
}
for (const row of rowsOf(process.argv.slice(2))) rows.set(keyOf(row), row);
const sorted = [...rows.values()].sort((a, b) => a.join('|').localeCompare(b.join('|'), 'en', { numeric: true }));
console.log(writeTable(page, head, sorted));
const ofEngines = sorted.filter(([subject]) => !subject.startsWith('rt itself'));
writeTable(
  enginesPage,
  enginesHead,
  ofEngines.map((row) => enginesColumns.map((column) => row[column])),
);
