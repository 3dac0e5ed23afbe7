/** The page that validates, explains and plans a config in the browser; native/build/page.mjs makes one file of it. */
import docker from '../../conformance/configs/docker.json';
import kubernetes from '../../conformance/configs/kubernetes.json';
import { analyse } from './analysis.ts';
import type { Analysis, Finding, Level } from './analysis.ts';

/** A container by hand that most people would write, with three mistakes in it. */
const byHand = {
  ociVersion: '1.3.0',
  root: { path: 'rootfs', readOnly: true },
  process: { cwd: '/', args: ['sh'], user: { uid: 1000, gid: '1000' } },
  mounts: [{ destination: '/proc', type: 'proc', source: 'proc' }],
  linux: {
    namespaces: [{ type: 'mount' }, { type: 'pid' }, { type: 'net' }],
    resources: { memory: { limit: 268435456 } },
  },
};

const examples = new Map<string, unknown>([
  ['with mistakes', byHand],
  ['of Docker', docker],
  ['of Kubernetes', kubernetes],
]);

const levelWords: Readonly<Record<Level, string>> = {
  error: 'Error',
  refused: 'Refused by create',
  warning: 'Warning',
  note: 'Note',
};

function element<Kind extends HTMLElement>(id: string, kind: new () => Kind): Kind {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`the page has no ${id}`);
  return found;
}

const text = element('text', HTMLTextAreaElement);
const marks = element('marks', HTMLPreElement);
const list = element('findings', HTMLOListElement);
const verdict = element('verdict', HTMLParagraphElement);
const output = element('output', HTMLPreElement);
const example = element('example', HTMLSelectElement);
const file = element('file', HTMLInputElement);
const tabs = {
  explanation: element('tab-explanation', HTMLButtonElement),
  plan: element('tab-plan', HTMLButtonElement),
};

let shown: keyof typeof tabs = 'explanation';
let analysis: Analysis = { findings: [], explanation: '', plan: '' };

function refresh(): void {
  analysis = analyse(text.value);
  const { findings } = analysis;
  marks.replaceChildren(...markedText(text.value, findings), '\n');
  list.replaceChildren(...findings.map(item));
  const worst = (Object.keys(levelWords) as Level[]).find((level) => findings.some((found) => found.level === level));
  verdict.dataset['level'] = worst ?? 'none';
  verdict.textContent = verdictWords(findings);
  showOutput();
}

function verdictWords(findings: readonly Finding[]): string {
  const counted = (Object.keys(levelWords) as Level[]).flatMap((level) => {
    const count = findings.filter((found) => found.level === level).length;
    return count === 0 ? [] : [`${levelWords[level].toLowerCase()}: ${count}`];
  });
  const isValid = !findings.some(({ level }) => level === 'error');
  return [isValid ? 'valid' : 'not valid', ...counted].join(', ');
}

/** The text with the places of findings marked; where two overlap, the first counts. */
function markedText(whole: string, findings: readonly Finding[]): Node[] {
  const nodes: Node[] = [];
  let done = 0;
  for (const { level, range } of findings) {
    if (range === undefined || range[0] < done || range[0] === range[1]) continue;
    const mark = document.createElement('mark');
    mark.className = level;
    mark.textContent = whole.slice(...range);
    nodes.push(document.createTextNode(whole.slice(done, range[0])), mark);
    done = range[1];
  }
  nodes.push(document.createTextNode(whole.slice(done)));
  return nodes;
}

function item({ level, diagnostic, range }: Finding): HTMLLIElement {
  const { message, pointer, location, hint } = diagnostic;
  const row = document.createElement('li');
  row.className = level;
  const button = document.createElement('button');
  const place = location === undefined ? '' : `${location.line}:${location.column} ${pointer ?? ''}`;
  button.append(span('level', levelWords[level]), ' ', span('place', place), ` ${message}`);
  if (hint !== undefined) button.append(span('hint', hint));
  button.addEventListener('click', () => {
    if (range === undefined) return;
    text.focus();
    text.setSelectionRange(...range);
    // A selection does not scroll by itself.
    const line = text.value.slice(0, range[0]).split('\n').length - 1;
    text.scrollTop = Math.max(0, line * parseFloat(getComputedStyle(text).lineHeight) - text.clientHeight / 3);
  });
  row.append(button);
  return row;
}

function span(name: string, content: string): HTMLSpanElement {
  const made = document.createElement('span');
  made.className = name;
  made.textContent = content;
  return made;
}

function showOutput(): void {
  const content = analysis[shown];
  const isRefused = analysis.findings.some(({ level }) => level === 'refused');
  const missing = shown === 'plan' && isRefused ? 'No container can be made from it.' : 'It is not valid yet.';
  output.textContent = content === '' ? missing : content;
}

function select(name: keyof typeof tabs): void {
  shown = name;
  for (const [key, tab] of Object.entries(tabs)) {
    tab.setAttribute('aria-selected', String(key === name));
    tab.tabIndex = key === name ? 0 : -1;
  }
  output.setAttribute('aria-labelledby', tabs[name].id);
  showOutput();
}

function load(content: string): void {
  text.value = content;
  text.scrollTop = 0;
  marks.scrollTop = 0;
  refresh();
}

for (const name of examples.keys()) example.append(new Option(name));
example.addEventListener('change', () => load(`${JSON.stringify(examples.get(example.value), null, 2)}\n`));
file.addEventListener('change', () => void file.files?.[0]?.text().then(load));
text.addEventListener('input', refresh);
text.addEventListener('scroll', () => {
  marks.scrollTop = text.scrollTop;
  marks.scrollLeft = text.scrollLeft;
});
for (const [name, tab] of Object.entries(tabs) as [keyof typeof tabs, HTMLButtonElement][]) {
  tab.addEventListener('click', () => select(name));
  tab.addEventListener('keydown', ({ key }) => {
    if (key !== 'ArrowLeft' && key !== 'ArrowRight') return;
    const other = name === 'plan' ? 'explanation' : 'plan';
    select(other);
    tabs[other].focus();
  });
}
load(`${JSON.stringify(examples.get(example.value), null, 2)}\n`);
