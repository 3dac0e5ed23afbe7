import t from 'tap';
import { SECCOMP_RET } from '../../kernel/seccomp.ts';
import { checkSeccomp } from './compile.ts';
import { callData, simulator } from './machine.ts';
import type { SeccompSection } from './profile.ts';
import { architectures } from './architectures.ts';
import { alsoNotified, refusalsNotified, withoutListeners } from './watched.ts';

const audit = 0xc000_003e;
const section: SeccompSection = {
  defaultAction: 'SCMP_ACT_ERRNO',
  defaultErrnoRet: 13,
  syscalls: [
    { names: ['read'], action: 'SCMP_ACT_ALLOW' },
    { names: ['write'], action: 'SCMP_ACT_LOG' },
    { names: ['open'], action: 'SCMP_ACT_TRACE' },
    { names: ['close'], action: 'SCMP_ACT_TRAP' },
    { names: ['stat'], action: 'SCMP_ACT_KILL_PROCESS' },
    { names: ['fstat'], action: 'SCMP_ACT_KILL', args: [{ index: 0, value: 7, op: 'SCMP_CMP_EQ' }] },
    { names: ['lstat'], action: 'SCMP_ACT_ERRNO', errnoRet: 0 },
  ],
};

function made() {
  const checked = checkSeccomp(section, { nativeArch: 'x86_64', diagnostics: [] });
  if (checked === undefined) throw new Error('no filter');
  return { filter: checked.filter(), watched: checked.watched('refused') };
}

t.test('refusalsNotified: refusals become notifications, all else stays', async (t) => {
  const { filter } = made();
  const before = simulator(filter);
  const after = simulator(refusalsNotified(filter));
  const allowed = new Map<number, number>();
  for (const architecture of [audit, 0x4000_0003])
    for (let number = 0; number < 600; number++)
      for (const value of [0n, 7n]) {
        const data = callData(architecture, number, [value]);
        if (after(data) !== SECCOMP_RET.USER_NOTIF) {
          t.equal(after(data), before(data));
          allowed.set(number, after(data));
        }
      }
  t.strictSame(
    [...allowed],
    [
      [0, SECCOMP_RET.ALLOW],
      [1, SECCOMP_RET.LOG],
    ],
  );
});

t.test('judge: the verdict of the profile, and where it stands', async (t) => {
  const { watched } = made();
  const judge = (number: number, ...values: bigint[]) => watched.judge(callData(audit, number, values));
  t.match(judge(3), {
    action: SECCOMP_RET.TRAP,
    pointer: '/linux/seccomp/syscalls/3',
    own: true,
    call: { name: 'close' },
  });
  t.match(judge(5, 7n), { action: SECCOMP_RET.KILL_THREAD, pointer: '/linux/seccomp/syscalls/5' });
  t.match(judge(5, 8n), { action: SECCOMP_RET.ERRNO + 13, pointer: '/linux/seccomp/defaultAction' });
  t.match(judge(6), { action: SECCOMP_RET.ERRNO });
  t.match(judge(435), { action: SECCOMP_RET.ERRNO + 38, call: { name: 'clone3', newer: true } });
  const foreign = { pointer: '/linux/seccomp', call: undefined, own: false };
  t.match(watched.judge(callData(0x4000_0003, 3)), { ...foreign, action: SECCOMP_RET.KILL_THREAD });
  t.match(judge(0x4000_0003), { ...foreign, action: SECCOMP_RET.ERRNO + 38 }, 'x32');
});

t.test('alsoNotified: asks about the selected calls that the profile allows, too', async (t) => {
  const { filter } = made();
  const selection = checkSeccomp(
    { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names: ['read', 'open', 'close'], action: 'SCMP_ACT_NOTIFY' }] },
    { nativeArch: 'x86_64', diagnostics: [] },
  )?.filter();
  const answer = simulator(alsoNotified(filter, selection ?? filter));
  const before = simulator(refusalsNotified(filter));
  for (const architecture of [audit, 0x4000_0003])
    for (let number = 0; number < 600; number++) {
      const data = callData(architecture, number, [7n]);
      const isRead = architecture === audit && number === 0;
      if (answer(data) !== (isRead ? SECCOMP_RET.USER_NOTIF : before(data))) t.fail(String(number));
    }
});

t.test('withoutListeners: seccomp(2) with a listener fails on each architecture, all else stays', async (t) => {
  const { filter } = made();
  const { x86_64WithX32, x86 } = architectures();
  const guarded = simulator(withoutListeners(filter, [x86_64WithX32, x86]));
  const before = simulator(filter);
  const seccomp = [
    [audit, 317],
    [audit, 0x4000_0000 + 317],
    [0x4000_0003, 354],
  ] as const;
  for (const [architecture, number] of seccomp) {
    for (const flags of [8n, 0x1_0000_0009n]) {
      t.equal(guarded(callData(architecture, number, [1n, flags])), SECCOMP_RET.ERRNO | 16, `${number}`);
      t.equal(guarded(callData(architecture, number, [0x1_0000_0001n, flags])), SECCOMP_RET.ERRNO | 16);
    }
    for (const values of [
      [1n, 1n],
      [0n, 8n],
      [2n, 8n],
    ]) {
      const data = callData(architecture, number, values);
      t.equal(guarded(data), before(data));
    }
  }
  for (let number = 0; number < 600; number++) {
    const data = callData(audit, number, [7n]);
    t.equal(guarded(data), before(data));
  }
});
