import { Failure } from '../diag/diagnostic.ts';
import { didYouMean } from '../diag/near.ts';
import { SIGNALS, SIGRTMAX, SIGRTMIN } from '../kernel/signals.ts';

const synonyms = { IOT: SIGNALS.ABRT, CLD: SIGNALS.CHLD, POLL: SIGNALS.IO };
const numbers: ReadonlyMap<string, number> = new Map(Object.entries({ ...SIGNALS, ...synonyms }));
/** SIGRTMIN in glibc and musl. */
const realTimeMinimum = SIGRTMIN + 2;

const largestNumber = 2 ** 31 - 1;

/**
 * Number of a signal given as number or name, in any case, with or without SIG. Whether a number is a signal is left to
 * the kernel. A number beyond the range of its argument becomes the largest, which is no signal either.
 */
export function parseSignal(text: string): number {
  if (/^[0-9]+$/.test(text)) return Math.min(Number(text), largestNumber);
  const name = text.toUpperCase().replace(/^SIG/, '');
  const known = numbers.get(name);
  if (known !== undefined) return known;
  const realTime = /^RT(MIN|MAX)(?:([+-])([0-9]+))?$/.exec(name);
  if (realTime !== null) {
    const base = realTime[1] === 'MIN' ? realTimeMinimum : SIGRTMAX;
    const number = base + Number(`${realTime[2] ?? ''}${realTime[3] ?? 0}`);
    if (number >= realTimeMinimum && number <= SIGRTMAX) return number;
  }
  throw new Failure({
    code: 'kill.signal',
    message: `unknown signal ${JSON.stringify(text)}`,
    hint: didYouMean(name, [...numbers.keys()]) ?? 'use a number, or a name such as TERM, SIGKILL or RTMIN+3',
  });
}
