import type { LinuxSeccomp } from '../../schema/generated/config.ts';
import { Failure } from '../diag/diagnostic.ts';
import type { Diagnostic } from '../diag/diagnostic.ts';
import { placesIn } from '../diag/locate.ts';
import { didYouMean } from '../diag/near.ts';
import { shown } from '../diag/pointer.ts';
import { actionWords } from '../plan/seccomp/action-words.ts';
import { architectures, architecturesOf } from '../plan/seccomp/architectures.ts';
import type { Architecture } from '../plan/seccomp/architectures.ts';
import { callNames, isCallName } from '../plan/seccomp/calls.ts';
import { conditionsWords, Decisions } from '../plan/seccomp/deciding.ts';
import type { DecidedCall, Decision } from '../plan/seccomp/deciding.ts';
import { readProfile } from '../plan/seccomp/profile.ts';
import { numberOf } from '../plan/seccomp/verdict.ts';
import type { Source } from './render.ts';

/**
 * What a profile does with the system call `name`: a line for each rule that can decide, with its place in `source`, for
 * each architecture that the machine (of uname(2)) can run. Throws a Failure for a name that no architecture knows.
 */
export function explainCall(section: LinuxSeccomp | undefined, name: string, machine: string, source: Source): string {
  if (!isCallName(name)) throw unknownCall(name);
  if (section === undefined) return `${name} is allowed: there is no linux.seccomp\n`;
  const faults: Diagnostic[] = [];
  const profile = readProfile(section, faults);
  if (faults.length > 0) throw new Failure(faults);
  if (profile === undefined) return `${name} is allowed: linux.seccomp has no default action, so no filter\n`;
  const decisions = new Decisions(section, profile);
  const { atPointer } = placesIn(source.text, source.name);
  const place = ({ pointer }: Decision): string => {
    const { file, line, column } = atPointer(pointer);
    return `  [${file}:${line}:${column}]`;
  };
  const parts = architecturesOf(machine, section.architectures ?? []).map((architecture) => {
    const title = `${name}, ${architectureName(architecture)}`;
    const number = numberOf(architecture, name);
    if (number === undefined) return `${title}: there is no such call\n`;
    return `${title}, number ${number}\n${linesOf(decisions.of(architecture, number), place).join('')}`;
  });
  return parts.join('');
}

function unknownCall(name: string): Failure {
  const hint = didYouMean(name, callNames());
  return new Failure({
    code: 'seccomp.name',
    message: `unknown system call ${shown(name)}`,
    ...(hint === undefined ? {} : { hint }),
  });
}

function architectureName(architecture: Architecture): string {
  const found = Object.entries(architectures()).find((entry) => entry[1] === architecture)?.[0] ?? '';
  return found === 'x86_64WithX32' ? 'x86_64' : found;
}

function linesOf(call: DecidedCall, place: (decision: Decision) => string): string[] {
  const { rules, otherwise, newer } = call;
  const decisive = rules.find(({ conditions }) => conditions.length === 0);
  if (decisive !== undefined) return [`  ${actionWords(decisive.action)}${place(decisive)}\n`];
  const default_ = newer
    ? `${actionWords(otherwise.action)}, as the profile names no call that is as new`
    : `${actionWords(otherwise.action)}, the default`;
  return [
    ...rules.map((rule) => {
      const words = conditionsWords(call, rule);
      return `  ${actionWords(rule.action)} if ${words}${place(rule)}\n`;
    }),
    `  ${rules.length === 0 ? '' : 'otherwise it '}${default_}${place(otherwise)}\n`,
  ];
}
