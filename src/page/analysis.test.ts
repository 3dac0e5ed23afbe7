import { readFileSync } from 'node:fs';
import t from 'tap';
import { analyse } from './analysis.ts';

const docker = readFileSync(new URL('../../conformance/configs/docker.json', import.meta.url), 'utf8');

t.test('a valid config has an explanation and a plan', async (t) => {
  const { findings, explanation, plan } = analyse(docker);
  t.strictSame(
    findings.filter(({ level }) => level === 'error' || level === 'refused'),
    [],
  );
  t.match(explanation, /^It runs\n/);
  t.match(plan, /\ninit: the container's first process\n/);
});

t.test('a fault is marked in the text, and there is no plan', async (t) => {
  const text = docker.replace('"uid": 0', '"uid": "root"');
  const { findings, explanation, plan } = analyse(text);
  const [from = 0, to = 0] = findings.find(({ level }) => level === 'error')?.range ?? [];
  t.equal(text.slice(from, to), '"uid"');
  t.strictSame([explanation, plan], ['', '']);
});

t.test('a text that is no JSON has one fault, at its place', async (t) => {
  const { findings } = analyse('{\n  "ociVersion": x\n}');
  t.equal(findings.length, 1);
  t.strictSame(findings[0]?.range, [18, 19]);
  t.equal(analyse('').findings.length, 1);
});

t.test('a misspelt name is a warning, in the order of the text', async (t) => {
  const text = docker.replace('"maskedPaths"', '"maskedPath"').replace('"hostname"', '"hostName"');
  const marked = analyse(text).findings.flatMap(({ level, range }) =>
    level === 'warning' ? [text.slice(...(range ?? [0, 0]))] : [],
  );
  t.strictSame([...marked].sort(), ['"hostName"', '"maskedPath"']);
});
