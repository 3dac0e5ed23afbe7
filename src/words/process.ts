import type { Diagnostic } from '../diag/diagnostic.ts';
import { leastFiles, rlimitName } from '../plan/process.ts';
import type { PlannedOp } from '../plan/types.ts';
import type { TopicWords } from './words.ts';

export const processWords = {
  oom_score_adj: {
    action: ({ value }) => `cannot set oom_score_adj to ${value}`,
    known: (_, { name }) =>
      name === 'EACCES' ? { hint: 'only CAP_SYS_RESOURCE may lower the score; raise the value' } : undefined,
  },
  rlimit: {
    action: ({ resource, soft, hard }) => `cannot set ${rlimitName(resource)} to ${String(soft)}:${String(hard)}`,
    known: ({ resource }, { name }) => (name === 'EPERM' ? { hint: hardLimitHint(resource) } : undefined),
  },
  raise_limit: {
    action: ({ resource, hard }) => `cannot raise the hard limit of ${rlimitName(resource)} to ${String(hard)}`,
    known: ({ resource }, { name }) => (name === 'EPERM' ? { hint: hardLimitHint(resource) } : undefined),
  },
  umask: { action: () => 'cannot set the umask' },
  drop_bounding: { action: () => 'cannot drop capabilities from the bounding set' },
  set_capabilities: { action: () => 'cannot set capabilities' },
  no_new_privs: { action: () => 'cannot set no_new_privs' },
  end_on_signals: { action: () => 'cannot set the handlers of signals' },
  change_directory: {
    essential: true,
    action: () => 'cannot change directory',
    known: ({ path }, { name, text }) => ({
      message:
        name === 'EXDEV'
          ? 'current working directory is outside of container mount namespace root -- possible container breakout detected'
          : `chdir to cwd ("${path}") set in config.json failed: ${text}`,
    }),
  },
  pass_descriptors: { action: () => 'cannot pass descriptors' },
  open_log: { action: ({ path }) => `cannot append the output of hooks to "${path}"` },
  hook: { action: () => 'cannot hook' },
} satisfies TopicWords;

function hardLimitHint(resource: number): string {
  const most = rlimitName(resource) === 'RLIMIT_NOFILE' ? ', and nobody above /proc/sys/fs/nr_open' : '';
  return `only CAP_SYS_RESOURCE may raise a hard limit${most}; lower the value`;
}

/** A failure after the ops `before`: the limit of open files holds for the setup, too, once it is set. */
export function explainFileLimit(plain: Diagnostic, before: readonly PlannedOp[]): Diagnostic {
  const limit = before.findLast((op) => op.op === 'rlimit' && rlimitName(op.resource) === 'RLIMIT_NOFILE');
  if (limit?.op !== 'rlimit') return plain;
  const { soft, from } = limit;
  // The helper tells only that no null device could be opened.
  const isHidden = plain.code === 'op.stdio_owner' && plain.errno === 'ENODEV' && Number(soft) < leastFiles;
  if (!isHidden && plain.errno !== 'EMFILE') return plain;
  return {
    ...plain,
    message: isHidden
      ? `cannot open a null device for the standard streams: too many open files, as RLIMIT_NOFILE is ${soft}`
      : `${plain.message}: RLIMIT_NOFILE is ${soft}`,
    errno: 'EMFILE',
    pointer: from,
    hint: `give at least ${leastFiles}: rt needs them until the program starts`,
  };
}
