import { existsSync, mkdirSync, rmdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import type { Native } from '../../src/host/native.ts';
import { encodeProgram } from '../../src/launch/encode.ts';
import { deviceProgram } from '../../src/plan/cgroup/device-program.ts';
import { run } from '../harness/process.ts';

/** On a hybrid host the v2 half accepts device programs too, so this needs no other kernel setup. */
const hierarchy = ['/sys/fs/cgroup/unified', '/sys/fs/cgroup'].find((path) => existsSync(`${path}/cgroup.procs`));
const addon = fileURLToPath(new URL('../../build/node/rt.node', import.meta.url));
const lacking =
  hierarchy === undefined
    ? 'no hierarchy of cgroup v2'
    : existsSync(addon)
      ? undefined
      : 'a cross build has no functions for Node';

t.test('device_program: the kernel accepts the program and applies it', { skip: lacking ?? false }, async (t) => {
  const native = createRequire(import.meta.url)(addon) as Native;
  const directory = `${hierarchy ?? ''}/rt-test-${process.pid}-device`;
  mkdirSync(directory);
  t.teardown(() => {
    rmdirSync(directory);
  });
  const program = deviceProgram([
    { allow: false, access: 'rwm' },
    { allow: true, type: 'c', major: 1, minor: 11, access: 'w' },
  ]);
  if (program === undefined) throw new Error('no program');
  t.strictSame(native.runProgram(encodeProgram([{ op: 'device_program', directory, program }])), []);
  const tried = await run([
    'sh',
    '-c',
    `echo $$ >${directory}/cgroup.procs
    head -c 1 /dev/zero >/dev/null && echo read zero
    (: >/dev/kmsg) && echo opened kmsg for writing
    (: </dev/kmsg) && echo opened kmsg for reading
    (: </dev/mem) && echo opened mem
    true`,
  ]);
  t.equal(tried.stdout, 'read zero\nopened kmsg for writing\n');
  t.match(tried.stderr, /kmsg.*(not permitted|Operation not permitted)/);
});
