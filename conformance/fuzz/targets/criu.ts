import { Failure } from '../../../src/diag/diagnostic.ts';
import type { Native } from '../../../src/host/native.ts';
import { mountsOf } from '../../../src/criu/mountinfo.ts';
import { mountOn } from '../../../src/diag/mountinfo.ts';
import { encodeMessage } from '../../../src/criu/protobuf.ts';
import type { Field } from '../../../src/criu/protobuf.ts';
import { REQUEST, callCriu } from '../../../src/criu/rpc.ts';
import { verifyImages } from '../../../src/criu/verify.ts';
import { plannedMounts } from '../../../src/plan/checkpoint.ts';
import { config, facts, options } from '../../../test/config.ts';
import { plan } from '../../../src/plan/index.ts';
import { below, bytesOf, damage, pick, textOf } from '../target.ts';
import type { Random, Target } from '../target.ts';

const container = config({
  mounts: [
    { destination: '/proc', type: 'proc', source: 'proc' },
    { destination: '/data', type: 'bind', source: '/srv', options: ['bind', 'ro'] },
  ],
  process: { cwd: '/', args: ['/bin/true'], noNewPrivileges: true, user: { uid: 1, gid: 1 } },
  linux: {
    maskedPaths: ['/proc/kcore'],
    seccomp: { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names: ['mkdir'], action: 'SCMP_ACT_ERRNO' }] },
    namespaces: [{ type: 'mount' }, { type: 'pid' }, { type: 'network' }],
  },
});
const compiled = plan(container, facts(), options);
const expected = { config: container, plan: compiled, mounts: plannedMounts(container, compiled), rootfs: '/r' };
const filter = compiled.filter?.() ?? new Uint8Array();

const message = (...fields: Field[]): Uint8Array => encodeMessage(fields);

/** Images of a container: untrusted files. */
export const images: Target = {
  name: 'criu-images',
  unit: 'messages',
  rounds: 200,
  make: (next) => {
    const files = goodImages();
    for (let changes = below(4, next); changes > 0; changes--) {
      const name = pick(Object.keys(files), next);
      files[name] = damage(files[name] ?? '', next);
    }
    return JSON.stringify(files);
  },
  check: (input) => {
    const files = JSON.parse(input) as Record<string, string>;
    const functions: Partial<Native> = {
      stat: () => [0o100644, 0, 0, 0, 0, 0, 0],
      readText: (path) => (path === '/proc/self/oom_score_adj' ? '0' : 'CapPrm:\t0000000000000000\n'),
      readBytes: (path) => {
        const text = files[path.slice('/i/'.length)];
        return text === undefined ? -2 : bytesOf(text).buffer;
      },
    };
    expectFailures(() => verifyImages(functions as Native, { path: '/i', names: Object.keys(files) }, expected));
    return Object.keys(files).length;
  },
};

function image(...entries: Uint8Array[]): string {
  const parts = entries.map((entry) => textOf(new Uint8Array(new Uint32Array([entry.length]).buffer)) + textOf(entry));
  return `\x19\x43\x56\x54\x12\x34\x56\x78${parts.join('')}`;
}

function goodImages(): Record<string, string> {
  const rights = message(
    ...[1, 2, 3, 4, 5, 6, 7, 8].map((field): Field => [field, 1]),
    ...[9, 10].flatMap((field): Field[] => [
      [field, 0],
      [field, 0],
    ]),
    ...[11, 12, 19].map((field): Field => [field, Uint8Array.from([0, 0])]),
    [14, message([1, 1])],
    [15, 'unconfined'],
    [18, true],
  );
  const thread = message([10, rights], [11, 2], [12, 0]);
  const mount = (path: string, type: number, flags: number, key?: string): Uint8Array =>
    message([1, type], [5, flags], [7, path], ...(key === undefined ? [] : [[18, key] as const]));
  return {
    'core-1.img': image(message([1, 1], [3, message([1, 1])], [5, thread])),
    'ids-1.img': image(message(...[5, 6, 7, 8, 9, 10, 11, 12].map((field): Field => [field, 7]))),
    'inventory.img': image(message([3, message(...[5, 6, 7, 8, 9, 10, 11, 12].map((field): Field => [field, 3]))])),
    'mountpoints-1.img': image(
      mount('/', 0, 0),
      mount('/proc', 1, 14),
      mount('/data', 0, 1, 'rt-bind-0'),
      mount('/proc/kcore', 0, 15, 'rt-null'),
    ),
    'seccomp.img': image(message([1, message([1, filter])])),
  };
}

/** Messages of criu, or of the helper before it executes criu. Pieces, each preceded by its length. */
export const conversation: Target = {
  name: 'criu-messages',
  unit: 'messages',
  rounds: 600,
  make: (next) =>
    Array.from({ length: 1 + below(6, next) }, () => said(next))
      .map((text) => String.fromCharCode(text.length & 0xff, text.length >> 8) + text)
      .join(''),
  check: (input) => {
    let at = 0;
    let messages = 0;
    const receive = (): ArrayBuffer | number => {
      const length = input.charCodeAt(at) + input.charCodeAt(at + 1) * 256;
      if (Number.isNaN(length)) return -104;
      messages++;
      const text = input.slice(at + 2, at + 2 + length);
      at += 2 + length;
      return bytesOf(text).buffer;
    };
    const functions: Partial<Native> = {
      launch: () => [7, 8, -1],
      realTime: () => [0, 0],
      close: () => 0,
      waitChild: () => 0,
      send: () => 0,
      receive,
      receiveMessage: () => {
        const bytes = receive();
        return typeof bytes === 'number' ? bytes : bytesOf(`\xff\xff\xff\xff${textOf(new Uint8Array(bytes))}`).buffer;
      },
    };
    expectFailures(() =>
      callCriu(functions as Native, {
        request: REQUEST.restore,
        options: [],
        ops: [{ op: 'find_program', name: 'criu', search: '/bin', from: 'default' }],
        cloneFlags: 0,
        cgroup: '',
        onNotify: () => undefined,
        progress: { enter: () => undefined, wait: undefined, end: () => undefined },
        readLog: () => '',
      }),
    );
    return Math.max(1, messages);
  },
};

function said(next: Random): string {
  const whole = textOf(
    pick(
      [
        message([1, 6], [2, true], [5, message([1, 'post-restore'], [2, 4])]),
        message([1, 2], [2, true], [4, message([1, 4])]),
        message([1, 2], [2, false], [7, 5], [9, 'words']),
        Uint8Array.from([
          1,
          0,
          0,
          0,
          0,
          0,
          0,
          0,
          2,
          0,
          0,
          0,
          0,
          0,
          0,
          0,
          6,
          0,
          0,
          0,
          3,
          0,
          0,
          0,
          ...bytesOf('openatxyz'),
        ]),
        Uint8Array.from([4, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 0, 1, 0, 0, 0, 65, 66]),
      ],
      next,
    ),
  );
  return next() < 0.3 ? whole : damage(whole, next);
}

const table =
  '21 28 0:20 / /proc rw,nosuid,nodev,noexec - proc proc rw\n' +
  '28 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 ro\n' +
  '40 28 0:5 /a\\040b /mnt\\134x ro master:2 - tmpfs tmpfs rw,size=1k\n';

/** The mounts of a process, whose names are chosen by containers. */
export const mountinfo: Target = {
  name: 'mountinfo',
  unit: 'tables',
  rounds: 2000,
  make: (next) => damage(table, next),
  check: (input) => {
    const functions: Partial<Native> = { readText: () => input };
    expectFailures(() => {
      const mounts = mountsOf(functions as Native, 1);
      for (const { path } of mounts) mountOn(mounts, path);
    });
    return 1;
  },
};

function expectFailures(call: () => void): void {
  try {
    call();
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
  }
}
