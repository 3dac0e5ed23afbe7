import type { Config } from '../../schema/generated/config.ts';
import { Failure } from '../diag/diagnostic.ts';
import type { Diagnostic } from '../diag/diagnostic.ts';
import { hasBit, maximumStatus, statusFields } from '../diag/process-status.ts';
import { lineOfJson } from '../diag/json-line.ts';
import type { Native } from '../host/native.ts';
import { ENOSYS } from '../kernel/errno.ts';
import { CAPABILITIES } from '../kernel/processes.ts';
import { SECCOMP_RET } from '../kernel/seccomp.ts';
import type { SeenCall, Watch } from '../launch/watch.ts';
import type { Context } from '../options/command.ts';
import type { Options } from '../options/options.ts';
import { actionWords } from '../plan/seccomp/action-words.ts';
import { conditionsWords, decidingRule } from '../plan/seccomp/deciding.ts';
import { likelyCause } from '../plan/seccomp/likely.ts';
import type { Caller } from '../plan/seccomp/needs.ts';
import { isAllowed } from '../plan/seccomp/watched.ts';
import type { WatchMode } from '../plan/seccomp/watched.ts';
import { placeOf } from './place.ts';
import type { Console } from './terminal.ts';

/** The config of the container, and what adds places in it. */
interface Located {
  readonly config: Config;
  readonly locate: (failure: Failure) => Failure;
}

/** Different arguments of one call that are reported one by one. */
const mostOfOneCall = 10;

const whileRecording = 'leave linux.seccomp out while a profile is recorded: it gets no call that this one refuses';

/** What the options ask for; `detach`: nobody would be there to answer. */
export function watchMode(options: Options, detach: boolean): WatchMode | undefined {
  const records = options['record-seccomp'] !== undefined;
  const denied = options['explain-denied'];
  if (!records && denied === undefined) return undefined;
  if (!detach) return records ? 'every' : denied === 'all' ? 'fallible' : 'refused';
  throw new Failure({
    code: 'seccomp.watch',
    message: `--${records ? 'record-seccomp' : 'explain-denied'}: with --detach nobody would be left to answer the calls of the program`,
    hint: 'drop --detach',
  });
}

/**
 * From now on reports each call that is refused, and with `all` each that likely fails, when it first happens. The
 * returned function reports at the end how often the same was refused. `locate` adds the places in `config`.
 */
export function reportDenied(
  context: Context,
  watch: Watch,
  console: Console,
  { config, locate }: Located,
): () => readonly Diagnostic[] {
  const { native, options } = context;
  const counts = new Map<string, number>();
  const others = new Map<string, number>();
  const kinds = new Map<string, number>();
  const hints = new Set<string | undefined>();
  const tell = ({ text, call }: SeenCall, { hint, ...diagnostic }: Diagnostic): void => {
    const name = call?.name ?? '';
    const count = counts.get(text);
    const kind = kinds.get(name) ?? 0;
    if (count === undefined && kind === mostOfOneCall) {
      others.set(name, (others.get(name) ?? 0) + 1);
      return;
    }
    counts.set(text, (count ?? 0) + 1);
    if (count !== undefined) return;
    kinds.set(name, kind + 1);
    const isNew = hint !== undefined && !hints.has(hint);
    hints.add(hint);
    const told = new Failure(isNew ? { ...diagnostic, hint } : diagnostic);
    context.warn?.(locate(told).diagnostics, console.kind === 'relay');
  };
  watch.onCall = (call) => {
    const hint = options['record-seccomp'] === undefined ? cureFor(call, config) : whileRecording;
    tell(call, { code: 'seccomp.denied', message: deniedWords(call), pointer: call.pointer, ...hintOf(hint) });
  };
  const record = watch.onAllowed;
  if (options['explain-denied'] === 'all') {
    watch.onAllowed = (allowed, look) => {
      record?.(allowed, look);
      if (!allowed.own || allowed.call === undefined) return;
      const call = look();
      const cause = likelyCause({ ...call, name: allowed.call.name }, callerOf(native, call.pid), config);
      if (cause === undefined || !call.waits()) return;
      const message = `${subject(call)}: is allowed, but likely fails: ${cause.words}`;
      tell(call, { code: 'seccomp.likely', message, pointer: cause.pointer, ...hintOf(cause.cure) });
    };
  }
  return () => [
    ...[...counts]
      .filter((entry) => entry[1] > 1)
      .map(([text, count]) => ({ code: 'seccomp.denied' as const, message: `${text}: ${count} times` })),
    ...[...others].map(([name, count]) => ({
      code: 'seccomp.denied' as const,
      message: `${name === '' ? 'other calls without a name' : `${name} with other arguments`}: ${count} ${count === 1 ? 'time' : 'times'}`,
    })),
  ];
}

function hintOf(hint: string | undefined): Pick<Diagnostic, 'hint'> {
  return hint === undefined ? {} : { hint };
}

/** How the profile would allow a call; undefined for one without a name. */
export function cureFor({ call, values }: Pick<SeenCall, 'call' | 'values'>, { linux }: Config): string | undefined {
  if (call === undefined || call.name === '') return undefined;
  const json = lineOfJson({ names: [call.name], action: 'SCMP_ACT_ALLOW' });
  const allow = `add ${json} to linux.seccomp.syscalls`;
  const rule = decidingRule(call, values);
  if (rule === undefined) {
    const limits = call.rules.filter(({ action, conditions }) => isAllowed(action) && conditions.length > 0);
    if (limits.length === 0) return allow;
    const words = limits.map((one) => `(${conditionsWords(call, one)})`).join(' or ');
    return `${allow}; it allows the call with any arguments, now only if ${words}`;
  }
  if (rule.conditions.length > 0)
    return `that is so if ${conditionsWords(call, rule)}; to allow the call with any arguments, ${allow}: a rule without conditions decides alone`;
  const isDefault = linux?.seccomp?.defaultAction === 'SCMP_ACT_ALLOW';
  return `remove ${lineOfJson(call.name)} from the names there${isDefault ? '' : `, and ${allow}`}`;
}

/** Most calls need none of it, so each is read when first asked for. */
function callerOf(native: Native, pid: number): Caller {
  let status: ReturnType<typeof statusFields> | undefined;
  const field = (name: string): string => (status ??= statusFields(native, pid))(name);
  const text = (file: string): string => {
    const found = native.readText(file, maximumStatus);
    return typeof found === 'string' ? found : '';
  };
  const link = (name: string): string => {
    const found = native.readLink(`/proc/${pid}/${name}`);
    return typeof found === 'string' ? found : '';
  };
  const within = (kind: 'uid' | 'gid', values: string): number[] =>
    idsWithin(text(`/proc/${pid}/${kind}_map`), values.split(/\s+/).map(Number));
  return {
    has: (capability) => hasBit(field('CapEff'), CAPABILITIES[capability]),
    inInitialUserNamespace: () => link('ns/user') === initialUserNamespace,
    noNewPrivileges: () => field('NoNewPrivs') === '1',
    uids: () => within('uid', field('Uid')),
    gids: () => within('gid', `${field('Gid')} ${field('Groups')}`.trim()),
    hasOtherIds: (target) => hasOtherIds(native, pid, target),
    directory: () => link('cwd') || '/',
    place: (path, follows) => placeOf(native, pid, path, follows),
    hardLimit: (resource) => hardLimitIn(text(`/proc/${pid}/limits`), resource),
    restrictsLog: () => text('/proc/sys/kernel/dmesg_restrict').trim() === '1',
  };
}

/** PTRACE_MODE_REALCREDS of ptrace(2): all ids of the other one must be the real ones of the caller. */
function hasOtherIds(native: Native, pid: number, target: number): boolean {
  const namespace = native.readLink(`/proc/${pid}/ns/pid`);
  const found = native.readDirectory('/proc');
  if (typeof namespace !== 'string' || typeof found !== 'string') return false;
  const own = statusFields(native, pid);
  for (const name of found.split('\0').filter((one) => /^\d+$/.test(one))) {
    const field = statusFields(native, Number(name));
    if (!field('NSpid').endsWith(`\t${target}`) && field('NSpid') !== String(target)) continue;
    if (native.readLink(`/proc/${name}/ns/pid`) !== namespace) continue;
    return ['Uid', 'Gid'].some((kind) => {
      const [real] = own(kind).split(/\s+/);
      return field(kind)
        .split(/\s+/)
        .slice(0, 3)
        .some((id) => id !== real);
    });
  }
  return false;
}

/** PROC_USER_INIT_INO of linux/proc_ns.h. */
const initialUserNamespace = 'user:[4026531837]';
/** Where proc_pid_limits(5) has the hard limits, whose lines are in the order of the numbers, below a title. */
const hardLimits = [47, 67] as const;

function hardLimitIn(text: string, resource: number): bigint | undefined {
  const value =
    text
      .split('\n')
      [resource + 1]?.slice(...hardLimits)
      .trim() ?? '';
  return /^\d+$/.test(value) ? BigInt(value) : undefined;
}

/** Ids of rt's user namespace as those of the one with this map: user_namespaces(7). */
function idsWithin(map: string, ids: readonly number[]): number[] {
  const ranges = map.split('\n').map((line) => line.trim().split(/\s+/).map(Number));
  return ids.flatMap((id) =>
    ranges.flatMap(([first = 0, outside = 0, size = 0]) =>
      id >= outside && id < outside + size ? [first + id - outside] : [],
    ),
  );
}

function subject({ text, pid, program, own }: SeenCall): string {
  return `${text}${own ? '' : ' of another architecture'}, process ${pid} (${program})`;
}

/** What a call meets; of TRACE, what it meets without a tracer. */
function deniedWords(seen: SeenCall): string {
  const { action, call } = seen;
  const kind = (action & SECCOMP_RET.ACTION_FULL) >>> 0;
  if (kind === SECCOMP_RET.TRACE)
    return `${subject(seen)}: ${actionWords(SECCOMP_RET.ERRNO | ENOSYS)}, as it is left to a tracer`;
  const newer = call?.newer === true ? ', as the profile names no call that is as new' : '';
  return `${subject(seen)}: ${actionWords(action)}${kind === SECCOMP_RET.TRAP ? ', here without its siginfo' : newer}`;
}
