/** The command lines of command-lines.test.ts, in the order in which they run. */

import { readFileSync } from 'node:fs';

export interface Line {
  /**
   * For a shell. `$RUN` are options of every `run`, `$DIR` is a directory with files; `await PATTERN COMMAND` repeats a
   * command until its output matches.
   */
  readonly line: string;
  /** With the peer; undefined if it depends on the version of the engine, or on the rights of the host's root. */
  readonly status?: number;
  /** Of a failure, in the words of both. Default: their output is the same. */
  readonly cause?: RegExp;
  /** Why rt is different; docs/differences-from-runc.md or -crun.md has the row. */
  readonly differs?: string;
}

const ok = (line: string): Line => ({ line, status: 0 });
const ends = (status: number, line: string): Line => ({ line, status });
/** May fail on some hosts or versions, with the same cause. */
const fails = (line: string, cause: RegExp): Line => ({ line, cause });

/** As the kernel numbers them; the permitted ones of this process. */
const [, permitted = '0'] = /^CapPrm:\s*(\w+)/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
const known = Number(readFileSync('/proc/sys/kernel/cap_last_cap', 'utf8')) + 1;
const hasAll = BigInt(`0x${permitted}`) === (1n << BigInt(known)) - 1n;

/** With a root that lacks a capability, the peers start no privileged container. */
const privileged = (line: string): Line =>
  hasAll ? ok(line) : { line, differs: 'what cannot be granted is a warning, and the rest is granted' };

/** Containers in the foreground; Docker and Podman have these in common. */
function runs(engine: string): Line[] {
  const run = `${engine} run --rm $RUN`;
  const sh = (options: string, script: string): Line => ok(`${run} ${options} tiny /bin/sh -c '${script}'`);
  return [
    ok(`${run} tiny /bin/echo hello`),
    ends(7, `${run} tiny /bin/sh -c 'echo out; echo err >&2; exit 7'`),
    ends(137, `${run} tiny /bin/sh -c 'sleep 100 & kill -9 $!; wait $!'`),
    fails(`${run} tiny /nosuch`, /nosuch.*no such file or directory/i),
    fails(`${run} tiny nosuch`, /nosuch.*(executable file|not found)/),
    fails(`${run} tiny /etc`, /is a directory|permission denied/),
    ok(`echo in | ${run} -i tiny /bin/cat`),
    sh('--user 1000:1000', 'id -u; id -g; busybox id -G'),
    sh('--user 1000:1000 --group-add 7', 'busybox id -G'),
    sh('--env A=b --env-file $DIR/env', 'echo $A $FROM_FILE'),
    sh('--hostname name', 'hostname'),
    sh('--read-only', 'touch /file 2>&1; echo $?'),
    sh('--read-only --tmpfs /scratch', 'touch /scratch/file; echo $?'),
    sh('--tmpfs /scratch:size=64k,mode=1777', 'busybox grep " /scratch " /proc/mounts'),
    sh('-v $DIR:/mnt', 'echo content > /mnt/file; cat /mnt/file'),
    sh('-v $DIR:/mnt:ro', 'echo x > /mnt/other 2>&1; echo $?'),
    sh('--cap-drop ALL', 'busybox grep Cap /proc/self/status'),
    sh('--cap-drop ALL --cap-add CHOWN', 'busybox grep Cap /proc/self/status'),
    sh('--security-opt no-new-privileges', 'busybox grep NoNewPrivs /proc/self/status'),
    sh('', 'busybox grep Seccomp: /proc/self/status'),
    sh('--security-opt seccomp=unconfined', 'busybox grep Seccomp: /proc/self/status'),
    sh('--security-opt seccomp=$DIR/seccomp.json', 'busybox mkdir /tmp/x 2>&1; echo $?'),
    fails(`${run} --ulimit nofile=100:200 tiny /bin/sh -c 'ulimit -Sn; ulimit -Hn'`, /operation not permitted/i),
    sh('--sysctl net.ipv4.ip_forward=1', 'cat /proc/sys/net/ipv4/ip_forward'),
    sh('--oom-score-adj 300', 'cat /proc/self/oom_score_adj'),
    sh('--device /dev/zero:/dev/other', 'busybox head -c 3 /dev/other | busybox wc -c'),
    sh('', 'busybox ls -l /dev | busybox sed "s/ [A-Z][a-z]* .*:[0-9]*//; /kcore/d"'),
    sh('', 'busybox ls -A /proc/sys/kernel | busybox wc -l'),
    sh('', 'busybox cut -d" " -f2 /proc/mounts | busybox sort'),
    {
      line: `${run} tiny /bin/busybox grep /proc/keys /proc/mounts`,
      differs: 'the mask is a device that the container has not made',
    },
    sh('--ipc host --pid host --uts host', 'for n in ipc pid uts; do busybox readlink /proc/self/ns/$n; done'),
    sh('--pids-limit 50', 'cat /sys/fs/cgroup/pids/pids.max || cat /sys/fs/cgroup/pids.max'),
    sh('--shm-size 1m', 'busybox df -k /dev/shm | busybox tail -1'),
    fails(`${run} -v $DIR/env:/tmp tiny /bin/true`, /not a directory/i),
    fails(`${run} --sysctl net.nosuch=1 tiny /bin/true`, /no such file or directory/i),
  ];
}

/** The life of a container, which is `one`. */
function life(engine: string): Line[] {
  return [
    ok(`${engine} run -d --name one $RUN tiny /bin/probe wait`),
    ok(`await ready ${engine} logs one; ${engine} logs one`),
    ok(`${engine} exec one /bin/echo hello`),
    ends(9, `${engine} exec one /bin/sh -c 'exit 9'`),
    fails(`${engine} exec one /nosuch`, /no such file or directory/i),
    fails(`${engine} exec one /etc`, /is a directory|permission denied/),
    ok(`${engine} exec -e A=b -w /tmp -u 1000:1000 one /bin/sh -c 'echo $A $PWD $(id -u)'`),
    ok(`echo in | ${engine} exec -i one /bin/cat`),
    (engine === 'docker' ? privileged : ok)(
      `${engine} exec --privileged one /bin/busybox grep NoNewPrivs /proc/self/status`,
    ),
    ok(`${engine} ps --all --format '{{.Names}} {{.Status}}'`),
    ok(`${engine} top one | busybox awk '{ print $NF }'`),
    ok(`${engine} exec -d one /bin/true`),
    ok(`${engine} pause one`),
    ok(`${engine} inspect --format '{{.State.Status}}' one`),
    ok(`${engine} unpause one`),
    ok(
      `${engine} update --memory 64m --memory-swap 64m one >/dev/null; ${engine} inspect --format '{{.State.Status}}' one`,
    ),
    ok(`${engine} stop --time 20 one; ${engine} inspect --format '{{.State.Status}} {{.State.ExitCode}}' one`),
    fails(`${engine} exec one /bin/true`, /not running|state improper|stopped/),
    ok(`${engine} start one; await ready ${engine} logs one; ${engine} kill one`),
    ok(`${engine} wait one; ${engine} inspect --format '{{.State.ExitCode}}' one`),
    ok(`${engine} rm one`),
    ok(`${engine} create --name two $RUN tiny /bin/true; ${engine} inspect --format '{{.State.Status}}' two`),
    ok(`${engine} start -a two; ${engine} rm two`),
    ok(`${engine} run -d --name three $RUN tiny /bin/sleep 1000; ${engine} rm -f three`),
  ];
}

export const DOCKER_LINES: readonly Line[] = [
  ...runs('docker'),
  ...life('docker'),
  ok(`docker run --rm $RUN --workdir /made/on/demand tiny /bin/sh -c pwd`),
  ok(`docker run --rm $RUN --init tiny /bin/cat /proc/1/comm`),
  ok(`docker run --rm $RUN --ipc none tiny /bin/sh -c 'test -e /dev/shm; echo $?'`),
  ok(`docker run --rm $RUN -t tiny /bin/sh -c 'tty; busybox stty size'`),
  privileged(`docker run --rm $RUN --privileged tiny /bin/busybox grep CapEff /proc/self/status`),
];

export const PODMAN_LINES: readonly Line[] = [
  ...runs('podman'),
  // Podman 4.3 has another update.
  ...life('podman').filter(({ line }) => !line.startsWith('podman update')),
  ok(`podman run --rm $RUN --uidmap 0:100000:1000 tiny /bin/cat /proc/self/uid_map`),
  ok(`podman run --rm $RUN --systemd=always tiny /bin/sh -c 'busybox grep -c tmpfs /proc/mounts'`),
  ok(`podman run --rm $RUN -t tiny /bin/sh -c 'tty'`),
  // Podman builds with Buildah's library, which calls the runtime for each RUN.
  {
    line: `printf 'FROM tiny\nRUN echo out; id -u; pwd\n' | podman build --isolation oci \${RUN}build -f - $DIR`,
    status: 0,
    differs: 'Buildah asks for ambient capabilities that are not inheritable: rt says that they are not granted',
  },
  fails(`printf 'FROM tiny\nRUN exit 3\n' | podman build --isolation oci \${RUN}build -f - $DIR`, /exit status 3/),
  ok(`podman run --rm $RUN --umask 0077 --timeout 0 tiny /bin/sh -c 'umask'`),
];

const ctr = (options: string, id: string, words: string): string => `ctr run --rm ${options} $RUN ${id} ${words}`;

export const CTR_LINES: readonly Line[] = [
  ok(ctr('', 'a1', '/bin/echo hello')),
  ends(7, ctr('', 'a2', `/bin/sh -c 'echo out; echo err >&2; exit 7'`)),
  fails(ctr('', 'a3', '/nosuch'), /nosuch.*no such file or directory/i),
  fails(ctr('', 'a4', 'nosuch'), /executable file not found in \$PATH/),
  ok(ctr('--env A=b --cwd /tmp', 'a5', `/bin/sh -c 'echo $A $PWD'`)),
  ok(ctr('--cap-drop CAP_CHOWN', 'a7', '/bin/busybox grep Cap /proc/self/status')),
  ok(ctr('--read-only', 'a8', `/bin/sh -c 'touch /file 2>&1; echo $?'`)),
  ok(ctr('--mount type=bind,src=$DIR,dst=/mnt,options=rbind:ro', 'a9', `/bin/sh -c 'cat /mnt/env'`)),
  ok(ctr('--seccomp', 'a10', '/bin/busybox grep Seccomp: /proc/self/status')),
  ok(ctr('--memory-limit 67108864', 'a11', '/bin/true')),
  fails(ctr('--privileged', 'a12', '/bin/busybox grep CapEff /proc/self/status'), /not permitted/i),
  fails(ctr('--mount type=bind,src=/nosuch,dst=/mnt,options=rbind', 'a13', '/bin/true'), /\/nosuch.*no such file/),
  ok(`ctr run --detach --log-uri file://$DIR/one.log $RUN one /bin/probe wait`),
  ok(`await ready cat $DIR/one.log; ctr tasks ls | busybox awk '{ print $1, $3 }'`),
  ok(`ctr tasks exec --exec-id e1 one /bin/echo hello`),
  ends(9, `ctr tasks exec --exec-id e2 one /bin/sh -c 'exit 9'`),
  fails(`ctr tasks exec --exec-id e3 one /nosuch`, /no such file or directory/),
  ok(`ctr tasks exec --exec-id e4 --user 1000:1000 --cwd /tmp one /bin/sh -c 'pwd; id -u'`),
  ok(`ctr tasks ps one | busybox wc -l`),
  ok(`ctr tasks pause one; ctr tasks ls | busybox awk '{ print $1, $3 }'`),
  ok(`ctr tasks resume one; ctr tasks ls | busybox awk '{ print $1, $3 }'`),
  ok(`ctr tasks kill --signal SIGTERM one; await STOPPED ctr tasks ls`),
  ok(`ctr tasks rm one 2>/dev/null`),
  ok(`ctr containers rm one; ctr containers ls -q`),
];

/** Each `run` is a RUN of a build. Its warnings, which one line compares, go to standard error. */
export const BUILDAH_LINES: readonly Line[] = [
  ok('buildah from --pull-never --name one tiny'),
  {
    line: 'buildah run $RUN one -- /bin/echo hello',
    status: 0,
    differs: 'Buildah asks for ambient capabilities that are not inheritable: rt says that they are not granted',
  },
  ok('buildah run $RUN one -- /bin/echo hello 2>/dev/null'),
  ends(7, "buildah run $RUN one -- /bin/sh -c 'echo out; exit 7' 2>/dev/null"),
  fails('buildah run $RUN one -- /nosuch', /no such file or directory/),
  ok("buildah run $RUN --user 1000:1000 one -- /bin/sh -c 'id -u; id -g' 2>/dev/null"),
  ok('buildah run $RUN --cap-drop all one -- /bin/busybox grep Cap /proc/self/status 2>/dev/null'),
  ok('buildah run $RUN --cap-add CAP_NET_RAW one -- /bin/busybox grep CapEff /proc/self/status 2>/dev/null'),
  ok('buildah run $RUN -v $DIR:/mnt one -- /bin/cat /mnt/env 2>/dev/null'),
  ok("buildah run $RUN -v $DIR:/mnt:ro one -- /bin/sh -c 'echo x >/mnt/other; echo $?' 2>/dev/null"),
  ok('buildah run $RUN --hostname name one -- /bin/hostname 2>/dev/null'),
  ok('buildah run $RUN --workingdir /made/here one -- /bin/sh -c pwd 2>/dev/null'),
  ok("buildah run $RUN -t one -- /bin/sh -c 'tty; echo $TERM' 2>/dev/null"),
  ok("buildah config --env A=b one; buildah run $RUN one -- /bin/sh -c 'echo $A' 2>/dev/null"),
  ok(
    "buildah run $RUN one -- /bin/sh -c 'echo kept >/file' 2>/dev/null; buildah run $RUN one -- /bin/cat /file 2>/dev/null",
  ),
  ok('buildah commit --quiet one made >/dev/null; buildah rm one >/dev/null; buildah images --format {{.Name}}'),
  ok("printf 'FROM tiny\nRUN echo out; id -u\n' | buildah bud --network none -f - $DIR 2>/dev/null"),
  fails("printf 'FROM tiny\nRUN exit 3\n' | buildah bud --network none -f - $DIR", /exit status 3/),
];
