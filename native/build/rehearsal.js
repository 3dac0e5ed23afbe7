// Simulates the kernel while the build finds out which parts of the heap a command uses (native/host/arena.h). Answers
// like a host with one container, without effect on the build machine.
(() => {
  const cgroup1 = 0x27e0eb;
  const cgroup2 = 0x63677270;
  const pid = 4711;
  const startTime = 1234;
  const hierarchies = ['', 'pids', 'blkio', 'freezer', 'devices', 'memory', 'cpuset', 'cpu,cpuacct', 'name=systemd'];
  const record = {
    version: 2,
    id: 'c',
    bundle: '/bundle',
    rootfs: '/bundle/rootfs',
    created: '2026-01-01T00:00:00.000000000Z',
    annotations: {},
    pid,
    startTime,
    creator: { pid, startTime },
    cgroup: {
      manager: 'cgroupfs',
      version: 1,
      hierarchies: ['unified', 'freezer', 'memory'].map((name, index) => ({
        version: index === 0 ? 2 : 1,
        controllers: index === 0 ? [] : [name],
        mount: `/sys/fs/cgroup/${name}`,
        directory: `/sys/fs/cgroup/${name}/c`,
      })),
    },
    privatePidNamespace: true,
    origin: { user: { device: 4, inode: 0xeffffffd } },
    keyring: true,
    keyringName: '_ses.c.0123456789abcdef',
    hooks: {},
  };
  const { readText } = native;
  const files = {
    '/proc/self/cgroup': hierarchies.map((controllers, index) => `${index}:${controllers}:/\n`).join(''),
    [`/proc/${pid}/cgroup`]: hierarchies.map((controllers, index) => `${index}:${controllers}:/c\n`).join(''),
    '/sys/fs/cgroup/freezer/c/freezer.self_freezing': '0\n',
    '/sys/fs/cgroup/memory/c/memory.oom_control': 'oom_kill_disable 0\nunder_oom 0\noom_kill 0\n',
    '/proc/self/uid_map': '         0          0 4294967295\n',
    '/proc/sys/kernel/cap_last_cap': '40\n',
    '/run/rt/c/state.json': JSON.stringify(record),
    '/run/rt/c/config.json': readText('conformance/configs/docker.json', 1 << 20),
  };
  files['/bundle/config.json'] = files['/run/rt/c/config.json'];
  files['/plain/config.json'] = readText('conformance/configs/spec-default.json', 1 << 20);
  const ready = new Uint32Array([3, 0, 0, 0, 0, 0]).buffer;
  const forked = new Uint32Array([6, 0, 0, pid, 0, 0]).buffer;
  let records = [];
  let runs = true;
  let executes = false;
  let ends = 0;

  const text = (path) => files[path] ?? -2;
  const answers = {
    readText: text,
    readOnce: text,
    processStat: () => [(runs ? 'S' : 'Z').charCodeAt(0), 0, startTime],
    readTextAt: (directory, name) => files[`/run/rt/c/${name}`] ?? -2,
    realPath: (path) => path,
    // A program that has begun may already have ended.
    readLink: () => (executes ? (ends++ % 2 === 0 ? '/bin/program' : -2) : '/memfd:rt-init (deleted)'),
    readDirectory: () => '',
    fileSystemType: (path) => (path.endsWith('/unified') ? cgroup2 : path.startsWith('/sys/fs/cgroup/') ? cgroup1 : 0),
    stat: () => [0o40755, 0, 0, 0, 0, 0],
    statAt: (directory, name) => (name === 'state.json' ? -2 : [0o40700, 0, 0, 0, 0, 0]),
    flock: () => [0, 0],
    getEnv: () => -2,
    getCwd: () => '/',
    nonce: () => '0123456789abcdef',
    processId: () => pid,
    realTime: () => [0, 0],
    kernel: () => 'Linux\0x86_64\0',
    launch: (...args) => {
      const forks = args.at(-1) === 1;
      records = forks ? [ready, forked] : [ready];
      runs = true;
      executes = false;
      return [forks ? pid + 1 : pid, 100, 101];
    },
    receive: () => {
      executes = records.length === 0;
      return records.pop() ?? new ArrayBuffer(0);
    },
    runProgram: () => [],
    superviseChild: () => {
      runs = false;
      return [0];
    },
  };
  for (const name of Object.keys(native)) {
    const real = native[name];
    // Looking up the real function counts as a use of it.
    native[name] = (...args) => (real === undefined ? 0 : (answers[name]?.(...args) ?? 0));
  }
})();
