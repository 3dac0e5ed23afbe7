import type { Trigger } from './trigger.ts';

/** What a command answered. */
export interface Said {
  /** Undefined if it did not end. */
  readonly status: number | undefined;
  /** Its standard error, where paths of this run are replaced by names that every run has. */
  readonly message: string;
}

/** 2: object, cause, place and cure; 1: a part; 0: nothing, or what misleads. Undefined: it succeeds by right. */
export type Points = 0 | 1 | 2 | undefined;

/** `strict`: the place in config.json and the cure are asked for, too; peers do not know the first. */
export function judge(trigger: Trigger, said: Said, strict: boolean): Points {
  if (said.status === 0 && said.message === '' && trigger.mayWork === true) return undefined;
  if (said.status === undefined || said.message === '') return 0;
  return misses(trigger, said, strict).length === 0
    ? 2
    : trigger.never?.test(said.message) !== true && trigger.says.some((words) => words.test(said.message))
      ? 1
      : 0;
}

/** What a message lacks, for a person. */
export function misses({ says, never, place, hint }: Trigger, { message }: Said, strict: boolean): string[] {
  const lacking = says.filter((words) => !words.test(message)).map(String);
  if (never?.test(message) === true) lacking.push(`misleads: ${String(never)}`);
  if (!strict) return lacking;
  if (place !== undefined && !isAt(message, place)) lacking.push(`place ${place}`);
  if (hint !== undefined && !hints(message).some((cure) => hint.test(cure))) lacking.push(`hint ${String(hint)}`);
  return lacking;
}

function isAt(message: string, pointer: string): boolean {
  return message.split('\n').some((line) => /^ {2}\S+:\d+:\d+ {2}/.test(line) && line.endsWith(`  ${pointer}`));
}

function hints(message: string): string[] {
  return message
    .split('\n')
    .filter((line) => line.startsWith('  hint: '))
    .map((line) => line.slice('  hint: '.length));
}
