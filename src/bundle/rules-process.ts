import type { Config, Process } from '../../schema/generated/config.ts';
import { askNearest, didYouMean } from '../diag/near.ts';
import { shown } from '../diag/pointer.ts';
import { printable } from '../diag/printable.ts';
import { CAPABILITIES } from '../kernel/processes.ts';
import { isCapability } from './capabilities.ts';
import type { Report, Rule } from './rule.ts';
import { each, isAbsolute } from './rule.ts';

/** Highest user or group id: for the kernel -1 as an unsigned number means "unchanged", setresuid(2). */
const maximumId = 4294967294;

/** NGROUPS_MAX, setgroups(2). */
const maximumGroups = 65536;

const modeBits = 0o777;

const maximumConsoleSize = 65535;

// Names of getrlimit(2), without their prefix.
const rlimitNames = 'AS CORE CPU DATA FSIZE LOCKS MEMLOCK MSGQUEUE NICE NOFILE NPROC RSS RTPRIO RTTIME SIGPENDING STACK'
  .split(' ')
  .map((name) => `RLIMIT_${name}`);

type CapabilitySet = 'bounding' | 'effective' | 'inheritable' | 'permitted' | 'ambient';

/** The kernel grants a capability of the inner set only if the outer ones have it. */
const containingSets: readonly { readonly inner: CapabilitySet; readonly outers: readonly CapabilitySet[] }[] = [
  { inner: 'effective', outers: ['permitted'] },
  { inner: 'inheritable', outers: ['bounding'] },
  { inner: 'ambient', outers: ['permitted', 'inheritable'] },
];

const capabilitySets: readonly CapabilitySet[] = ['bounding', 'effective', 'inheritable', 'permitted', 'ambient'];

/** A rule for `process`, if present. */
function about(rule: (process: Process, report: Report) => void): Rule {
  return ({ process }: Config, report) => {
    if (process !== undefined) rule(process, report);
  };
}

export const processRules: readonly Rule[] = [
  workingDirectory,
  consoleSize,
  programArguments,
  environment,
  user,
  rlimits,
].map(about);

/** Capabilities that cannot be granted: config.md, "Linux Process", requires a warning, not an error. */
export const ineffectiveProcessRules: readonly Rule[] = [unknownCapabilities, ungrantableCapabilities].map(about);

function workingDirectory({ cwd }: Process, report: Report): void {
  if (cwd === '') {
    report('process.cwd', '/process/cwd', 'Cwd property must not be empty');
  } else if (cwd !== undefined && !isAbsolute(cwd)) {
    report('process.cwd', '/process/cwd', `Cwd must be an absolute path, found ${shown(cwd)}`);
  }
}

/** ioctl_tty(2), TIOCSWINSZ: 16 bits each. Without a terminal the size is ignored. */
function consoleSize({ terminal, consoleSize }: Process, report: Report): void {
  if (terminal !== true || consoleSize === undefined) return;
  for (const name of ['height', 'width'] as const) {
    const value = consoleSize[name];
    if (value === undefined || Number(value) <= maximumConsoleSize) continue;
    const message = `process.consoleSize.${name} must be at most ${maximumConsoleSize}, found ${String(value)}`;
    report('process.console', `/process/consoleSize/${name}`, message);
  }
}

function programArguments({ args }: Process, report: Report): void {
  if (args?.length === 0)
    report('process.args', '/process/args', 'args must not be empty: process.args has no element');
}

/** The kernel would pass on any string, but C libraries only find NAME=value. */
function environment({ env }: Process, report: Report): void {
  each(env, (variable, index) => {
    const sign = variable.indexOf('=');
    if (sign > 0) return;
    const cause = sign < 0 ? `missing '=' in process.env[${index}]` : `process.env[${index}] has no name before '='`;
    report('process.env', `/process/env/${index}`, `invalid environment variable: ${cause}`, 'write NAME=value');
  });
}

function user(process: Process, report: Report): void {
  const check = (id: number | undefined, name: string, pointer: string): void => {
    if (id === undefined || id <= maximumId) return;
    report(
      'process.user',
      pointer,
      `${name} must be at most ${maximumId}, found ${id}: the kernel reads it as "unchanged"`,
    );
  };
  const { uid, gid, umask, additionalGids } = process.user ?? {};
  check(uid, 'process.user.uid', '/process/user/uid');
  check(gid, 'process.user.gid', '/process/user/gid');
  const groups = additionalGids?.length ?? 0;
  if (groups > maximumGroups) {
    const message = `process.user.additionalGids has ${groups} groups: Linux allows at most ${maximumGroups}`;
    report('process.user', '/process/user/additionalGids', message);
  }
  each(additionalGids, (id, index) =>
    check(id, `process.user.additionalGids[${index}]`, `/process/user/additionalGids/${index}`),
  );
  if (umask !== undefined && umask > modeBits) {
    const message = `process.user.umask must be at most ${modeBits} (octal 777), found ${umask}`;
    report('process.user', '/process/user/umask', message, 'JSON has no octal numbers: octal 022 is 18');
  }
}

/** Each unknown name is reported once: engines put the same names into several sets. */
function unknownCapabilities({ capabilities }: Process, report: Report): void {
  if (capabilities === undefined) return;
  const settled = new Set<string>();
  for (const set of capabilitySets) {
    each(capabilities[set], (name, index) => {
      if (isCapability(name) || settled.has(name)) return;
      settled.add(name);
      const place = `process.capabilities.${set}[${index}]`;
      const message = `unknown capability ${shown(name)} in ${place} is not granted`;
      const hint = capabilityHint(name);
      report('process.capability', `/process/capabilities/${set}/${index}`, message, hint);
    });
  }
}

function capabilityHint(name: string): string | undefined {
  const upper = name.toUpperCase();
  const full = upper.startsWith('CAP_') ? upper : `CAP_${upper}`;
  if (isCapability(full)) return `write ${full}`;
  if (full === 'CAP_ALL') return 'there is no word for all: list each capability';
  return askNearest(full, Object.keys(CAPABILITIES));
}

/** Conditions of capset(2), and of PR_CAP_AMBIENT (prctl(2)), for a process with a reduced bounding set. */
function ungrantableCapabilities({ capabilities }: Process, report: Report): void {
  if (capabilities === undefined) return;
  for (const { inner, outers } of containingSets) {
    const names = capabilities[inner] ?? [];
    if (outers.every((outer) => isContained(names, capabilities[outer]))) continue;
    const lacking = names.filter(
      (name) => !outers.every((outer) => capabilities[outer]?.includes(name)) && isCapability(name),
    );
    if (lacking.length === 0) continue;
    const place = `/process/capabilities/${inner}`;
    const message = `process.capabilities.${inner}: ${lacking.join(', ')} cannot be granted without ${outers.join(' and ')}`;
    report(
      'process.capability',
      `${place}/${names.indexOf(lacking[0] ?? '')}`,
      message,
      `add it to ${outers.join(' and ')}`,
    );
  }
}

function isContained(names: readonly string[], list: readonly string[] = []): boolean {
  for (const name of names) if (!list.includes(name)) return false;
  return true;
}

function rlimits(process: Process, report: Report): void {
  const seen = new Set<string>();
  each(process.rlimits, ({ type, soft, hard }, index) => {
    const pointer = `/process/rlimits/${index}`;
    if (type !== undefined && !rlimitNames.includes(type)) {
      const hint = didYouMean(type, rlimitNames) ?? `the limits are ${rlimitNames.join(', ')}`;
      report('process.rlimit', `${pointer}/type`, `wrong rlimit value: ${printable(type)}`, hint);
    }
    if (seen.has(type))
      report('process.rlimit', `${pointer}/type`, `process.rlimits has ${shown(type)} more than once`);
    seen.add(type);
    if (soft > hard) {
      const message = `process.rlimits[${index}].soft must be at most hard, found soft ${soft} and hard ${hard}`;
      report('process.rlimit', `${pointer}/soft`, message);
    }
  });
}
