import { readFileSync, readdirSync } from 'node:fs';
import t from 'tap';
import { mayHoldLongIntegers, parseExactJson, parseJson } from '../src/bundle/json.ts';
import { valueAt } from '../src/diag/pointer.ts';
import { validateConfig } from '../src/bundle/validate.ts';
import type { Diagnostic } from '../src/diag/diagnostic.ts';
import { validateFeatures, validateState } from './generated/validate-documents.js';
import { mutate, random } from './mutations.ts';
import { officialExamples, officialValidator, skipOfficial } from './official.ts';

const mutationsOfEach = 1500;

const configs = new URL('../conformance/configs/', import.meta.url);
const readme = readFileSync(new URL('README.md', import.meta.url), 'utf8');

/** Values refused by ours and accepted by the official schema: name of the difference, code, places. */
const stricter: readonly (readonly [name: string, code: RegExp, pointer: RegExp])[] = [
  ['oom-score-range', /^config\.type$/, /^\/process\/oomScoreAdj$/],
  ['hook-timeout-range', /^config\.type$/, /^\/hooks\/\w+\/\d+\/timeout$/],
  ['exact-integers', /^config\.type$/, /./],
  ['iomems-all', /^config\.type$|^config\.missing$/, /^\/vm\/hwConfig\/iomems\/[1-9]/],
  ['rules', /^(?!config\.(type|missing)$)/, /^\//],
];

/** Values accepted by ours and refused by the official schema. */
const looser: readonly (readonly [name: string, pointer: RegExp])[] = [
  ['file-mode-type-bits', /\/(fileMode|mode)$/],
  ['recursive-propagation', /^\/linux\/rootfsPropagation$/],
  ['pids-limit-optional', /^\/linux\/resources\/pids$/],
];

/** The same, if the value itself is null and is not an element or a required member. */
const nullIsAbsent = 'null-is-absent';

/** Our diagnostics of a text; integers are read exactly if that matters. */
function ours(text: string): Diagnostic[] {
  const found = validateConfig(parseJson(text, 'config.json'), text);
  if (found.length === 0 || !mayHoldLongIntegers(text)) return found;
  return validateConfig(parseExactJson(text, 'config.json'), text);
}

/** Whether the value at a place is an integer that a double cannot represent, the only reason for `exact-integers`. */
function isInexact(diagnostic: Diagnostic): boolean {
  const found = /found (-?[\d.e+]+|Infinity|-Infinity)$/.exec(diagnostic.message)?.[1];
  return (
    found !== undefined && diagnostic.message.includes('must be an integer') && !Number.isSafeInteger(Number(found))
  );
}

function explanation(diagnostic: Diagnostic): string | undefined {
  const { code, pointer = '' } = diagnostic;
  return stricter.find(([name, codes, pointers]) => {
    if (name === 'exact-integers' && !isInexact(diagnostic)) return false;
    return codes.test(code) && pointers.test(pointer);
  })?.[0];
}

t.test('the official examples get the official verdict', { skip: skipOfficial }, async (t) => {
  const officialConfig = officialValidator('config');
  for (const { name, good, text } of officialExamples('config')) {
    if (name.endsWith('invalid-json.json')) {
      t.throws(() => parseJson(text, name), name);
      continue;
    }
    t.equal(officialConfig(JSON.parse(text)), good, `${name}: the oracle works`);
    t.equal(ours(text).length === 0, good, `${name}: ${JSON.stringify(ours(text))}`);
  }
  const documents = { state: validateState, features: validateFeatures } as const;
  for (const kind of ['state', 'features'] as const) {
    for (const { name, good, text } of officialExamples(kind)) {
      if (name.endsWith('invalid-json.json')) continue;
      t.equal(officialValidator(kind)(JSON.parse(text)), good, `${name}: the oracle works`);
      t.equal(documents[kind](JSON.parse(text)) === null, good, name);
    }
  }
});

t.test(
  'changed configs get the official verdict, but for the documented differences',
  { skip: skipOfficial },
  async (t) => {
    const official = officialValidator('config');
    const next = random(20240621);
    const used = new Set<string>();
    const verdicts = { same: 0, bothRefuse: 0, stricter: 0, looser: 0 };
    for (const file of readdirSync(configs)) {
      const base = readFileSync(new URL(file, configs), 'utf8');
      t.ok(official(JSON.parse(base)), `${file} is valid for the official schema`);
      t.strictSame(ours(base), [], `${file} is valid for ours`);
      for (let count = 0; count < mutationsOfEach; count++) {
        const text = mutate(base, next);
        const accepted = official(JSON.parse(text));
        const faults = ours(text);
        if (accepted && faults.length > 0) {
          verdicts.stricter++;
          for (const fault of faults) {
            const name = explanation(fault);
            if (name === undefined) t.fail(`only ours refuses ${fault.pointer}: ${fault.code} ${fault.message}`);
            else used.add(name);
          }
        } else if (!accepted && faults.length === 0) {
          verdicts.looser++;
          for (const { instancePath, message } of official.errors ?? []) {
            const isNull = valueAt(JSON.parse(text), instancePath) === null;
            const name = isNull ? nullIsAbsent : looser.find(([, pointer]) => pointer.test(instancePath))?.[0];
            if (name === undefined) t.fail(`only the official schema refuses ${instancePath}: ${message}`);
            else used.add(name);
          }
        } else {
          verdicts.same++;
          if (!accepted) verdicts.bothRefuse++;
        }
      }
    }
    t.comment(JSON.stringify(verdicts));
    t.ok(verdicts.bothRefuse > 1000, 'many changes are faults');
    t.ok(verdicts.same - verdicts.bothRefuse > 300, 'many changes are none');
    for (const [name] of [...stricter, ...looser, [nullIsAbsent]] as const) {
      t.ok(readme.includes(`\`${name}\``), `${name} is explained in README.md`);
      t.comment(`${name}: ${used.has(name) ? 'met' : 'not met'}`);
    }
  },
);
