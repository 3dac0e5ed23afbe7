import type { CommandName } from '../options/options.ts';

/** Commands to copy. They suppose a bundle in the current directory and a container c1 in a certain state. */
interface Examples {
  readonly given: 'bundle' | 'created' | 'running' | 'paused';
  readonly commands: readonly string[];
  /** Why conformance/cases/documentation.test.ts does not run them. */
  readonly notRun?: string;
}

/** For the man page of each command. They stay out of `rt --help`, which is part of the heap image. */
export const examples: Readonly<Record<CommandName, Examples>> = {
  create: { given: 'bundle', commands: ['rt create --bundle . --pid-file c1.pid c1', 'rt start c1'] },
  start: { given: 'created', commands: ['rt start c1'] },
  run: { given: 'bundle', commands: ['rt run --detach --pid-file c1.pid c1'] },
  exec: {
    given: 'running',
    commands: ['rt exec c1 ps', 'rt exec --user 1000:1000 --env LANG=C --cwd /bin c1 sh -c id'],
  },
  state: { given: 'running', commands: ['rt state c1'] },
  kill: { given: 'running', commands: ['rt kill c1 TERM', 'rt kill c1 KILL'] },
  delete: { given: 'running', commands: ['rt kill c1 KILL && rt delete c1', 'rt delete --force c1'] },
  list: { given: 'running', commands: ['rt list', 'rt list --format json'] },
  ps: { given: 'running', commands: ['rt ps c1', 'rt ps c1 -o pid,rss,args', 'rt ps --format json c1'] },
  pause: { given: 'running', commands: ['rt pause c1'] },
  resume: { given: 'paused', commands: ['rt resume c1'] },
  update: {
    given: 'running',
    commands: ['rt update --pids-limit 100 c1', `echo '{ "pids": { "limit": 200 } }' | rt update --resources - c1`],
  },
  mounts: {
    given: 'running',
    commands: [
      'mkdir rootfs/scratch',
      `echo '[{ "destination": "/scratch", "type": "tmpfs", "source": "tmpfs" }]' >mounts.json`,
      'rt mounts add c1 mounts.json',
      'rt mounts remove c1 mounts.json',
    ],
  },
  checkpoint: { given: 'running', commands: ['rt checkpoint --image-path images c1'], notRun: 'it needs criu' },
  restore: { given: 'bundle', commands: ['rt restore --detach --image-path images c1'], notRun: 'it needs criu' },
  events: { given: 'running', commands: ['rt events --stats c1'] },
  spec: {
    given: 'bundle',
    commands: ['mkdir other try', 'rt spec --bundle other', 'rt spec --busybox --no-terminal --bundle try echo hello'],
  },
  features: { given: 'bundle', commands: ['rt features >features.json'] },
  validate: { given: 'bundle', commands: ['rt validate --bundle .'] },
  explain: { given: 'running', commands: ['rt explain --bundle .', 'rt explain c1'] },
  plan: { given: 'bundle', commands: ['rt plan --bundle .', 'rt plan --format json >plan.json'] },
  seccomp: {
    given: 'bundle',
    commands: [
      'rt seccomp explain mount',
      'rt seccomp explain --bundle . clone',
      'mkdir short && rt spec --busybox --no-terminal --bundle short ls',
      'rt run --bundle short --record-seccomp profile.json c1',
    ],
  },
  completion: { given: 'bundle', commands: ['rt completion bash >rt.bash'] },
};
