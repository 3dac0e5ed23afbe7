import type { Config, LinuxCapabilities, Process, User } from '../../schema/generated/config.ts';
import { readConfigText } from '../bundle/load.ts';
import { checkProcess, readProcess } from '../bundle/process.ts';
import type { RunnableProcess } from '../bundle/process.ts';
import type { Options } from './options.ts';
import { Failure } from '../diag/diagnostic.ts';
import type { Diagnostic } from '../diag/diagnostic.ts';
import type { Native } from '../host/native.ts';

/**
 * The process of `exec`: from a file, or the container's own, changed by the options. `warnings`: members of the file
 * that are probably misspelt.
 */
export function execProcess(
  native: Native,
  config: Config,
  options: Options,
  command: readonly string[],
): { readonly process: RunnableProcess; readonly warnings: readonly Diagnostic[] } {
  const own = config.process ?? { cwd: '/' };
  const file = options.process;
  if (file !== undefined) {
    const { process, warnings } = readProcess(readConfigText(native, file, file), file);
    return { process: withDefaults(own, process), warnings };
  }
  if (command.length === 0) throw new Failure({ code: 'exec.args', message: 'exec args cannot be empty' });
  return { process: checkProcess(changed(own, options, command)), warnings: [] };
}

/** Properties that the file may inherit from the container: privileges and limits, never environment or user. */
function withDefaults(own: Process, given: RunnableProcess): RunnableProcess {
  const { capabilities, rlimits, apparmorProfile, selinuxLabel } = own;
  return {
    ...(capabilities === undefined ? {} : { capabilities }),
    ...(rlimits === undefined ? {} : { rlimits }),
    ...(apparmorProfile === undefined ? {} : { apparmorProfile }),
    ...(selinuxLabel === undefined ? {} : { selinuxLabel }),
    ...given,
    user: { ...umaskOf(own), ...given.user },
  };
}

function umaskOf({ user }: Process): User {
  return user?.umask === undefined ? {} : { umask: user.umask };
}

function changed(own: Process, options: Options, command: readonly string[]): Process {
  const { apparmor, cap, cwd, env } = options;
  return {
    ...own,
    args: [...command],
    terminal: options.tty === true,
    user: userOf(own.user ?? {}, options),
    ...(cwd === undefined ? {} : { cwd }),
    ...(env === undefined ? {} : { env: [...(own.env ?? []), ...env] }),
    ...(cap === undefined ? {} : { capabilities: withCapabilities(own.capabilities ?? {}, cap) }),
    ...(apparmor === undefined ? {} : { apparmorProfile: apparmor }),
    ...(options['process-label'] === undefined ? {} : { selinuxLabel: options['process-label'] }),
    ...(options['no-new-privs'] === undefined ? {} : { noNewPrivileges: options['no-new-privs'] }),
  };
}

function userOf(own: User, options: Options): User {
  const more = (options['additional-gids'] ?? []).map((text) => parseId(text, 'additional gid'));
  const user = more.length === 0 ? own : { ...own, additionalGids: [...(own.additionalGids ?? []), ...more] };
  if (options.user === undefined) return user;
  const colon = options.user.indexOf(':');
  if (colon < 0) return { ...user, uid: parseId(options.user, 'uid') };
  const gid = parseId(options.user.slice(colon + 1), 'gid');
  return { ...user, uid: parseId(options.user.slice(0, colon), 'uid'), gid };
}

/** Digits only: other notations are ambiguous. */
function parseId(text: string, name: string): number {
  const id = /^\d{1,10}$/.test(text) ? Number(text) : NaN;
  // The highest value means "unchanged" to the kernel.
  if (id < 0xffff_ffff) return id;
  throw new Failure({
    code: 'exec.user',
    message: `bad ${name}: ${JSON.stringify(text)}`,
    hint: 'give a number from 0 to 4294967294; names are not looked up',
  });
}

/** Inheritable is left unchanged. Ambient requires it (capabilities(7)), so without it nothing becomes ambient. */
function withCapabilities(own: LinuxCapabilities, more: readonly string[]): LinuxCapabilities {
  const add = (list: readonly string[] | undefined): string[] => [...(list ?? []), ...more];
  return {
    ...own,
    bounding: add(own.bounding),
    effective: add(own.effective),
    permitted: add(own.permitted),
    ...(own.inheritable === undefined ? {} : { ambient: add(own.ambient) }),
  };
}
