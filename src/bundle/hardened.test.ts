import t from 'tap';
import { nameOfReturn } from '../plan/seccomp/action-words.ts';
import { checkSeccomp } from '../plan/seccomp/compile.ts';
import { callData, simulator } from '../plan/seccomp/machine.ts';
import { hardenedConfig, hardenedLimits, unusedIds } from './hardened.ts';
import type { HostIds } from './hardened.ts';

const [SOCKET, SOCKETPAIR, SETRLIMIT, SYNC, PRLIMIT64] = [41, 53, 160, 162, 302];

/** What the filter of a hardened config says to a call of x86_64. */
function verdicts(denied: 'error' | 'kill'): (number: number, ...values: readonly number[]) => string {
  const program = { root: '/', args: ['/a'], env: [], cwd: '/', mounts: [], denied };
  const { linux } = hardenedConfig(program, hardenedLimits, unusedIds(0));
  const answer = simulator(
    checkSeccomp(linux?.seccomp ?? {}, { nativeArch: 'x86_64', diagnostics: [] })?.filter() ?? new Uint8Array(0),
  );
  return (number, ...values) => nameOfReturn(answer(callData(0xc000_003e, number, values.map(BigInt))));
}

t.test('hardenedConfig: sockets are of unix, TCP and UDP; a program that asks for MPTCP can do without', (t) => {
  const verdict = verdicts('kill');
  for (const family of [2, 10]) {
    for (const protocol of [0, 6, 17]) t.equal(verdict(SOCKET, family, 1, protocol), 'ALLOW');
    for (const protocol of [33, 132, 256, 0x1_0000_0006]) t.equal(verdict(SOCKET, family, 1, protocol), 'KILL_PROCESS');
    t.equal(verdict(SOCKET, family, 1, 262), 'ERRNO(93)');
    t.equal(verdict(SOCKETPAIR, family, 1, 0), 'KILL_PROCESS');
  }
  t.equal(verdict(SOCKETPAIR, 1, 1, 0), 'ALLOW');
  for (const family of [16, 17, 38, 40, 0x1_0000_0001]) t.equal(verdict(SOCKET, family, 3, 0), 'KILL_PROCESS');
  t.equal(verdict(SYNC), 'ERRNO(1)');
  t.end();
});

t.test('hardenedConfig: no program changes the limit that prevents core dumps', (t) => {
  for (const denied of ['error', 'kill'] as const) {
    const verdict = verdicts(denied);
    for (let resource = 0; resource < 16; resource++) {
      // The kernel reads the lower 32 bits.
      for (const value of [resource, 0x1_0000_0000 + resource]) {
        const expected = resource === 4 ? 'ERRNO(1)' : 'ALLOW';
        t.equal(verdict(SETRLIMIT, value, 1), expected, `setrlimit ${resource}`);
        t.equal(verdict(PRLIMIT64, 0, value, 1), expected, `prlimit64 ${resource}`);
        t.equal(verdict(PRLIMIT64, 0, value, 0, 1), 'ALLOW', `the question for ${resource}`);
      }
    }
  }
  t.end();
});

t.test('hardenedConfig: without limits devices are denied, unless the caller may make no cgroup', (t) => {
  const program = { root: '/', args: ['/a'], env: [], cwd: '/', mounts: [], denied: 'error' } as const;
  const resources = (ids: HostIds) => hardenedConfig(program, { tmp: 1, files: 1 }, ids).linux?.resources;
  t.strictSame(resources(unusedIds(0)), { devices: [{ allow: false, access: 'rwm' }] });
  t.equal(resources({ uid: 1000, gid: 1000, size: 1 }), undefined);
  t.end();
});
