import { readFileSync, readdirSync } from 'node:fs';
import t from 'tap';
import type { Config, LinuxNamespace, RootfsPropagation } from '../../schema/generated/config.ts';
import { MOUNT_BIND_FLAGS } from '../../schema/generated/ops.ts';
import { Failure } from '../diag/diagnostic.ts';
import { MOUNT_ATTR, MS } from '../kernel/mounts.ts';
import { CLONE_NEW } from '../kernel/namespaces.ts';
import { config, facts, hybrid, options, unified } from '../../test/config.ts';
import { explain } from './explain.ts';
import { plan } from './index.ts';
import { helperOps } from './plan.ts';
import type { Plan } from './plan.ts';
import type { PlannedOp } from './types.ts';

const configs = new URL('../../conformance/configs/', import.meta.url);

function names(ops: readonly PlannedOp[]): string[] {
  return ops.map(({ op }) => op);
}

function find<Name extends PlannedOp['op']>(made: Plan, name: Name): (PlannedOp & { op: Name })[] {
  const all = [...made.host, ...made.awaited, ...made.init, ...made.limits];
  return all.filter((op): op is PlannedOp & { op: Name } => op.op === name);
}

function faultsOf(change: Partial<Config>, host = facts()): string[] {
  try {
    plan(config(change), host, options);
    return [];
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return error.diagnostics.map(({ message, pointer }) => `${pointer ?? ''}: ${message}`);
  }
}

t.test('plan: rules for every configuration', async (t) => {
  for (const file of readdirSync(configs)) {
    const read = JSON.parse(readFileSync(new URL(file, configs), 'utf8')) as Config;
    const made = plan(read, facts(), options);
    const order = names(made.init);
    t.equal(order.at(-1), 'exec', `${file}: nothing after exec`);
    t.ok(order.lastIndexOf('cgroup_join') < order.indexOf('open_root'), `${file}: cgroups before mounts`);
    const lastMount = Math.max(order.lastIndexOf('mount_filesystem'), order.lastIndexOf('mount_bind'));
    t.ok(order.indexOf('mask_path') > lastMount, `${file}: masks over all mounts`);
    t.ok(order.lastIndexOf('mask_path') < order.indexOf('pivot_root'), `${file}: masks before the old root goes`);
    t.ok(order.indexOf('drop_bounding') < order.indexOf('set_user'), `${file}: bounding set before the user`);
    t.ok(order.indexOf('set_user') < order.indexOf('set_capabilities'), `${file}: user before the other sets`);
    t.ok(
      order.indexOf('set_capabilities') < order.indexOf('find_program'),
      `${file}: lookup with the credentials of the user`,
    );
    const all = [...made.host, ...made.awaited, ...made.init, ...made.limits];
    t.ok(
      all.every(({ from }) => from === 'default' || from.startsWith('/')),
      `${file}: every op says where it came from`,
    );
    t.equal(explain(plan(read, facts(), options), 'json'), explain(made, 'json'), `${file}: the same again`);
    t.match(explain(made, 'text'), 'pivot_root');
    t.equal((JSON.parse(explain(made, 'json')) as Plan).init.length, made.init.length);
  }
});

t.test(
  'plan: the seccomp filter is last with noNewPrivileges, else after the last step that inspects the container',
  async (t) => {
    const linux = { seccomp: { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [] } } as unknown as NonNullable<
      Config['linux']
    >;
    linux.seccomp = {
      defaultAction: 'SCMP_ACT_ALLOW',
      syscalls: [{ names: ['mkdir'], action: 'SCMP_ACT_ERRNO' }],
    };
    const process = { cwd: '/', args: ['a'] };
    const late = names(plan(config({ linux, process: { ...process, noNewPrivileges: true } }), facts(), options).init);
    t.equal(late.at(-2), 'seccomp');
    t.ok(late.indexOf('no_new_privs') < late.indexOf('seccomp'));
    const { init } = plan(config({ linux, process }), facts(), options);
    const early = names(init);
    const at = early.indexOf('seccomp');
    t.ok(early.indexOf('find_program') < at && at < early.indexOf('await_start'));
    const admin = 1n << 21n;
    t.match(
      init.filter(({ op }) => op === 'set_capabilities'),
      [
        { effective: 0n, permitted: admin },
        { effective: admin, permitted: admin },
        { effective: 0n, permitted: 0n },
      ],
      'CAP_SYS_ADMIN is kept for the filter, and dropped right after it',
    );
    t.same([early[at - 1], early[at + 1]], ['set_capabilities', 'set_capabilities']);
  },
);

t.test('plan: namespaces are made by the clone, joined in order, and a cgroup namespace comes last', async (t) => {
  const namespaces = [
    { type: 'mount' },
    { type: 'network', path: '/run/netns/a' },
    { type: 'ipc', path: '/proc/1/ns/ipc' },
    { type: 'pid', path: '/proc/1/ns/pid' },
    { type: 'cgroup' },
    { type: 'uts' },
  ] as const;
  const made = plan(config({ linux: { namespaces: [...namespaces] } }), facts(), options);
  const flags = CLONE_NEW.mount | CLONE_NEW.uts;
  t.equal(made.cloneFlags, 0, 'init makes them while the runtime makes its cgroups');
  t.strictSame(made.init[0], { op: 'unshare', flags, from: '/linux/namespaces' });
  const unifiedPlan = plan(config({ linux: { namespaces: [...namespaces] } }), facts(unified), options);
  t.equal(unifiedPlan.cloneFlags, flags, 'a v2 cgroup is there before the clone');
  t.strictSame(
    find(made, 'namespace_open').map(({ path, from }) => [path, from]),
    [
      ['/proc/1/ns/ipc', '/linux/namespaces/2'],
      ['/run/netns/a', '/linux/namespaces/1'],
      ['/proc/1/ns/pid', '/linux/namespaces/3'],
    ],
  );
  const order = names(made.init);
  t.ok(order.lastIndexOf('cgroup_join') < order.lastIndexOf('unshare'), 'its root is the cgroup joined before');
  t.notOk(order.includes('loopback_up'), "a joined network namespace is not the container's to configure");
});

t.test('plan: without a mount namespace the root is only opened, or holds the mounts', async (t) => {
  const linux = { namespaces: [{ type: 'pid' as const }] };
  const order = names(plan(config({ linux }), facts(), options).init);
  t.ok(order.includes('chroot'));
  t.notOk(order.some((name) => name.startsWith('mount') || name === 'make_device'));
  const mounts = [{ destination: '/proc', type: 'proc' }];
  const onHost = names(plan(config({ linux, mounts }), facts(), options).init);
  t.ok(onHost.indexOf('hold_root') < onHost.indexOf('mount_filesystem'));
  t.ok(onHost.includes('chroot'));
  t.notOk(onHost.includes('set_propagation'), 'the host keeps its propagation');
});

t.test('plan: rootfsPropagation', async (t) => {
  const types = (rootfsPropagation?: RootfsPropagation): unknown =>
    find(
      plan(config({ linux: rootfsPropagation === undefined ? {} : { rootfsPropagation } }), facts(), options),
      'set_propagation',
    ).map(({ type, recursive }) => [type, recursive]);
  t.strictSame(types(), [[MS.slave, 1]]);
  t.strictSame(types('private'), [
    [MS.private, 1],
    [MS.private, 0],
  ]);
  t.strictSame(types('rslave'), [
    [MS.slave, 1],
    [MS.slave, 1],
  ]);
  t.strictSame(types('runbindable'), [
    [MS.private, 1],
    [MS.unbindable, 1],
  ]);
  t.strictSame(types('shared'), [[MS.shared, 0]], 'volumes stay peers of the host until the root is entered');
  t.strictSame(types('rshared'), [[MS.shared, 1]]);
});

t.test('plan: cgroups on v1 are made in every hierarchy, the v2 half of a hybrid is joined by the clone', async (t) => {
  const made = plan(config({ linux: { cgroupsPath: '/a/../b' } }), facts(), options);
  t.equal(made.cloneCgroup, '/sys/fs/cgroup/unified/b');
  t.equal(find(made, 'cgroup_create').length, hybrid.hierarchies.length);
  t.strictSame(find(made, 'cgroup_create')[1]?.inherit, ['cpuset.cpus', 'cpuset.mems']);
  t.strictSame(names(made.host), ['cgroup_create'], 'the clone waits for no other');
  const order = names(made.init);
  t.ok(order.indexOf('await_cgroups') < order.indexOf('cgroup_join'), 'the others are made meanwhile');
  t.equal(find(made, 'cgroup_join').length, hybrid.hierarchies.length - 1);
  t.ok(names(made.awaited).includes('write_device_rules'), 'device rules before init makes its nodes');
});

t.test('plan: v2 limits apply before init asks the runtime for anything, or reports that it is ready', async (t) => {
  const limited = { linux: { resources: { pids: { limit: 5 } } } };
  const made = plan(
    config({ ...limited, process: { cwd: '/', args: ['x'], terminal: true } }),
    facts(unified),
    options,
  );
  const order = names(made.init);
  t.ok(made.limitsAwaited);
  t.equal(order.filter((name) => name === 'await_limits').length, 1);
  t.ok(order.indexOf('await_limits') < order.indexOf('terminal'));
  t.notOk(plan(config(), facts(unified), options).limitsAwaited);
  t.notOk(plan(config(limited), facts(), options).limitsAwaited, 'v1 refuses what it cannot keep');
});

t.test('plan: a limit whose controller the host lacks names the controller', async (t) => {
  const host = facts({ version: 1, hierarchies: [] });
  const found = faultsOf({ linux: { resources: { pids: { limit: 5 } } } }, host);
  t.match(found, [/devices/, /^\/linux\/resources\/pids\/limit: .*"pids"/]);
});

t.test('plan: v2 limits and the controllers they need', async (t) => {
  const resources = {
    devices: [{ allow: true, access: 'rwm' }],
    memory: { limit: 1000 },
    pids: { limit: 0 },
  };
  const made = plan(config({ linux: { resources } }), facts(unified), options);
  t.strictSame(
    made.limits.map((op) => (op.op === 'write_file' ? [op.path, op.data] : op)),
    [
      ['/sys/fs/cgroup/user.slice/c1/pids.max', '1'],
      ['/sys/fs/cgroup/user.slice/c1/memory.max', '1000'],
    ],
  );
  t.strictSame(find(made, 'cgroup_enable')[0]?.required, ['pids', 'memory']);
  t.match(faultsOf({ linux: { resources: { memory: { swap: 5 } } } }, facts(unified)).join(), 'without memory limit');
});

t.test('plan: a v2 cgroup is given to the user who sees it as the root through a writable mount', async (t) => {
  const mounts = [{ destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: ['nosuid'] }];
  const namespaces = [{ type: 'mount' as const }, { type: 'cgroup' as const }];
  const process = { cwd: '/', args: ['a'], user: { uid: 1000, gid: 1000 } };
  const delegated = (change: Partial<Config>, host = facts(unified)): unknown =>
    find(plan(config({ mounts, process, linux: { namespaces }, ...change }), host, options), 'cgroup_delegate').map(
      ({ uid, directory, from }) => [uid, directory, from],
    );
  const given = [[1000, '/sys/fs/cgroup/user.slice/c1', '/mounts/0']];
  t.strictSame(delegated({}), given);
  for (const [words, expected] of [
    [['ro'], []],
    [['rro'], []],
    [['ro', 'rw'], given],
  ] as const) {
    const mount = { destination: '/sys/fs/cgroup', type: 'cgroup', options: [...words] };
    t.strictSame(delegated({ mounts: [mount] }), expected, words.join());
  }
  t.strictSame(delegated({ mounts: [] }), []);
  t.strictSame(delegated({ linux: { namespaces: [{ type: 'mount' }] } }), []);
  t.strictSame(delegated({}, facts()), [], 'v1 cannot be delegated');
});

t.test(
  'plan: copy-symlink looks up a source on the host only, and a link that appears later is not followed',
  async (t) => {
    const made = (source: string, ...namespaces: LinuxNamespace[]): readonly PlannedOp[] => {
      const first = { destination: '/first', source: '/srv', options: ['rbind'] };
      const mounts = [first, { destination: '/copy', source, options: ['bind', 'copy-symlink'] }];
      const host = { ...facts(), linkAt: (): string => 'target' };
      return plan(config({ mounts, linux: { namespaces } }), host, options).init;
    };
    const own = { type: 'mount' } as const;
    const binds = (ops: readonly PlannedOp[]): unknown[] => ops.filter(({ op }) => op === 'mount_bind').slice(1);
    t.ok(names(made('/srv/file', own)).includes('make_link'));
    t.match(binds(made('/bundle/rootfs/first/file', own)), [{ destination: '/copy' }]);
    const joined = binds(made('/srv/file', { ...own, path: '/proc/7/ns/mnt' }));
    t.match(joined, [{ destination: '/copy', flags: MOUNT_BIND_FLAGS.sourceNofollow }]);
  },
);

t.test('plan: a terminal is opened after the mounts, before anything becomes read-only', async (t) => {
  const process = { cwd: '/', args: ['x'], terminal: true, consoleSize: { height: 5, width: 7 } };
  const mounts = [{ destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['ro'] }];
  const made = plan(config({ process, mounts }), facts(), options);
  t.match(find(made, 'terminal'), [{ width: 7, height: 5, from: '/process/terminal' }]);
  const order = names(made.init);
  t.ok(order.indexOf('mount_filesystem') < order.indexOf('terminal'));
  t.equal(order[order.indexOf('terminal') + 1], 'console');
  t.ok(order.indexOf('console') < order.indexOf('mount_attributes'));
  t.ok(order.indexOf('terminal') < order.indexOf('stdio_owner'), 'the user owns it');
  const shared = plan(config({ process, linux: { namespaces: [{ type: 'pid' }] } }), facts(), options);
  t.notOk(names(shared.init).includes('console'), 'nothing is bound in the mount namespace of the host');
  t.notOk(names(plan(config(), facts(), options).init).includes('terminal'));
});

t.test('plan: a cgroup mount on v2 is made only in a cgroup namespace, else it is bound', async (t) => {
  const mounts = [{ destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup' }];
  const namespaces = [{ type: 'mount' as const }];
  const shared = plan(config({ mounts, linux: { namespaces } }), facts(unified), options);
  t.strictSame(
    find(shared, 'mount_bind').map(({ source, destination }) => [source, destination]),
    [['/sys/fs/cgroup', '/sys/fs/cgroup']],
  );
  const own = plan(
    config({ mounts, linux: { namespaces: [...namespaces, { type: 'cgroup' }] } }),
    facts(unified),
    options,
  );
  t.ok(find(own, 'mount_filesystem').some(({ type }) => type === 'cgroup2'));
  t.equal(find(own, 'mount_bind').length, 0);
});

t.test('plan: every option of a cgroup mount on v2 is applied', async (t) => {
  const of = (words: string[], isPrivate: boolean): Plan => {
    const mounts = [{ destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: words }];
    const namespaces = [{ type: 'mount' as const }, ...(isPrivate ? [{ type: 'cgroup' as const }] : [])];
    return plan(config({ mounts, linux: { namespaces } }), facts(unified), options);
  };
  const own = find(of(['rro', 'nosuid', 'rshared'], true), 'mount_filesystem').find(({ type }) => type === 'cgroup2');
  t.equal(own?.attributes, MOUNT_ATTR.RDONLY | MOUNT_ATTR.NOSUID);
  const shared = of(['rro', 'exec', 'rshared'], false);
  const [bind] = find(shared, 'mount_bind');
  t.match(bind, { set: 0, clear: MOUNT_ATTR.NOEXEC, recursiveSet: MOUNT_ATTR.RDONLY });
  t.match(find(shared, 'mount_propagation'), [{ slot: bind?.slot, type: MS.shared, recursive: 1 }]);
  t.throws(() => of(['r0'], true), /"r0"/);
});

t.test('plan: the notify socket is mounted over the mounts of the config', async (t) => {
  const change: Partial<Config> = {
    mounts: [{ destination: '/run', type: 'tmpfs' }],
    process: { cwd: '/', args: ['a'], env: ['NOTIFY_SOCKET=/elsewhere'] },
  };
  const made = plan(config(change), facts(), { ...options, notify: '/state/notify' });
  const order = names(made.init);
  t.ok(order.indexOf('mount_filesystem') < order.indexOf('mount_bind'));
  t.match(find(made, 'mount_bind'), [{ source: '/state/notify', destination: '/run/notify', from: 'NOTIFY_SOCKET' }]);
  t.strictSame(find(made, 'exec')[0]?.env, ['NOTIFY_SOCKET=/run/notify/notify.sock']);
  t.notMatch(explain(plan(config(change), facts(), options), 'text'), '/run/notify');
});

t.test('plan: --no-pivot moves the root, and determines what it may detach', async (t) => {
  const moveOf = (linux: Config['linux']): unknown => {
    const { init } = plan(config({ linux: { namespaces: [{ type: 'mount' }], ...linux } }), facts(), {
      ...options,
      pivot: false,
    });
    t.notOk(names(init).includes('pivot_root'));
    return init.find(({ op }) => op === 'move_root');
  };
  t.match(moveOf({}), { detach: 1, from: '--no-pivot' });
  t.match(moveOf({ rootfsPropagation: 'shared' }), { detach: 0 }, 'what is shared with the host is left alone');
});

t.test('plan: a time limit of a hook beyond 32 bits is clamped, not truncated', async (t) => {
  for (const timeout of [4_294_968, 24_967_295, 2 ** 53 - 1]) {
    const { init } = plan(config({ hooks: { startContainer: [{ path: '/h', timeout }] } }), facts(), options);
    t.match(
      init.find(({ op }) => op === 'hook'),
      { timeoutMs: 2 ** 32 - 1 },
      `${timeout} s`,
    );
  }
});

t.test('plan: annotations change groups, labels of mounts, and the output of hooks', async (t) => {
  const change: Partial<Config> = {
    annotations: {
      'run.oci.keep_original_groups': '1',
      'run.oci.mount_context_type': 'rootcontext',
      'run.oci.hooks.stderr': 'hooks.log',
    },
    hooks: { createContainer: [{ path: '/h' }] },
    mounts: [{ destination: '/t', type: 'tmpfs' }],
    linux: { namespaces: [{ type: 'mount' }], mountLabel: 'a:b:c:d' },
  };
  const made = plan(config(change), { ...facts(), hasSelinux: true }, options);
  t.match(find(made, 'set_user'), [{ keepGroups: 1 }]);
  t.ok(find(made, 'mount_filesystem')[0]?.options.includes('rootcontext=a:b:c:d'));
  const [log] = find(made, 'open_log');
  t.match(log, { path: '/bundle/hooks.log', from: '/annotations/run.oci.hooks.stderr' });
  t.match(find(made, 'hook'), [{ out: 0, err: log?.slot }]);
});

t.test('plan: a profile that blocks entering a joined pid namespace is refused before anything runs', async (t) => {
  const namespaces = [{ type: 'mount' as const }, { type: 'pid' as const, path: '/proc/7/ns/pid' }];
  for (const call of ['pipe2', 'clone', 'write', 'setsid']) {
    const syscalls = [{ names: [call], action: 'SCMP_ACT_ERRNO' as const }];
    const linux = { namespaces, seccomp: { defaultAction: 'SCMP_ACT_ALLOW' as const, syscalls } };
    t.match(faultsOf({ linux }), [`linux.seccomp answers ${call} with ERRNO(1)`], call);
    const process = { cwd: '/', args: ['a'], noNewPrivileges: true };
    t.same(faultsOf({ linux, process }), [], `${call}, with the filter loaded after that step`);
  }
});

t.test('helperOps: the stage, then init, as counted by the helper', async (t) => {
  const mapping = [{ containerID: 0, hostID: 1000, size: 1 }];
  const linux = { namespaces: [{ type: 'mount' as const }, { type: 'user' as const }] };
  const made = plan(config({ linux: { ...linux, uidMappings: mapping, gidMappings: mapping } }), facts(), options);
  const order = names(helperOps(made));
  t.equal(order.length, made.stage.length + made.init.length);
  t.ok(order.indexOf('become_root') < order.indexOf('await_start'));
  t.strictSame(names(helperOps({ stage: [], init: made.init })), names(made.init));
});
