import { Failure } from '../diag/diagnostic.ts';

// Signals 1 to 31 in order, signal(7); the same on all architectures that rt is built for.
const names =
  'HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP TSTP TTIN TTOU URG ' +
  'XCPU XFSZ VTALRM PROF WINCH IO PWR SYS';
/** As glibc and musl users know them: the C library keeps 32 and 33 for itself. */
const realTimeMinimum = 34;
const realTimeMaximum = 64;

/** Names of the signals 1 to 31, without SIG. */
export function signalNames(): string[] {
  return names.split(' ');
}

const largestNumber = 2 ** 31 - 1;

/**
 * Number of a signal given as number or name, in any case, with or without SIG. Which numbers are signals is not
 * checked: the kernel does that. A number that does not fit its argument becomes the largest, which is no signal either.
 */
export function parseSignal(text: string): number {
  if (/^[0-9]+$/.test(text)) return Math.min(Number(text), largestNumber);
  const name = text.toUpperCase().replace(/^SIG/, '');
  const position = signalNames().indexOf(name);
  if (position >= 0) return position + 1;
  const synonym = { IOT: 6, CLD: 17, POLL: 29 }[name];
  if (synonym !== undefined) return synonym;
  const realTime = /^RT(MIN|MAX)(?:([+-])([0-9]+))?$/.exec(name);
  if (realTime !== null) {
    const base = realTime[1] === 'MIN' ? realTimeMinimum : realTimeMaximum;
    const number = base + Number(`${realTime[2] ?? ''}${realTime[3] ?? 0}`);
    if (number >= realTimeMinimum && number <= realTimeMaximum) return number;
  }
  throw new Failure({
    code: 'kill.signal',
    message: `unknown signal ${JSON.stringify(text)}`,
    hint: 'use a number, or a name such as TERM, SIGKILL or RTMIN+3',
  });
}
