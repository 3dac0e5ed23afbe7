import t from 'tap';
import { Failure } from '../../diag/diagnostic.ts';
import type { Native } from '../../host/native.ts';
import { FakeHost } from '../../../test/fake-host.ts';
import { readUserManager, setUnitProperties, startUnit, stopUnit } from '../units.ts';
import { DbusReader, DbusWriter } from './marshal.ts';
import { decodeMessage, encodeCall, messageSize } from './message.ts';

t.test('encodeCall: the bytes of the example that every D-Bus client sends first', async (t) => {
  const call = {
    destination: 'org.freedesktop.DBus',
    path: '/org/freedesktop/DBus',
    interface: 'org.freedesktop.DBus',
    member: 'Hello',
    signature: '',
  };
  // As libdbus writes it, except for the order of the header fields, which is arbitrary.
  const text = Buffer.from(encodeCall(call, 1, () => undefined)).toString('latin1');
  t.equal(
    text,
    'l\x01\x00\x01\x00\x00\x00\x00\x01\x00\x00\x00m\x00\x00\x00' +
      '\x01\x01o\x00\x15\x00\x00\x00/org/freedesktop/DBus\x00\x00\x00' +
      '\x02\x01s\x00\x14\x00\x00\x00org.freedesktop.DBus\x00\x00\x00\x00' +
      '\x03\x01s\x00\x05\x00\x00\x00Hello\x00\x00\x00' +
      '\x06\x01s\x00\x14\x00\x00\x00org.freedesktop.DBus\x00\x00\x00\x00',
  );
});

t.test('DbusWriter: alignment and lengths', async (t) => {
  const writer = new DbusWriter();
  writer.byte(1);
  writer.variant({ type: 't', value: 0x1_0000_0002n });
  t.strictSame(writer.bytes, [1, 1, 0x74, 0, 0, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0]);
  const list = new DbusWriter();
  list.array(8, () => undefined);
  t.strictSame(list.bytes, [0, 0, 0, 0, 0, 0, 0, 0], 'an empty array is padded all the same');
  const strings = new DbusWriter();
  strings.variant({ type: 'as', value: ['a', 'é'] });
  t.equal(strings.bytes.at(-2), 0x3f);
});

t.test('messageSize and DbusReader: truncated or too large data is refused', async (t) => {
  t.equal(messageSize(new Uint8Array(15)), undefined);
  t.throws(() => messageSize(new Uint8Array(16)), { message: 'systemd has sent a message that is not little-endian' });
  const header = Uint8Array.from([0x6c, 1, 0, 1, 0xff, 0xff, 0xff, 0xff, 1, 0, 0, 0, 0, 0, 0, 0]);
  t.throws(() => messageSize(header), { message: 'systemd has sent a message that is too large' });
  t.throws(() => new DbusReader(Uint8Array.from([9, 0, 0, 0, 65])).string(), Failure);
});

t.test('an invalid D-Bus message ends the command with an error', async (t) => {
  for (const bytes of [new Uint8Array(16), reply('/').fill(0xff, 12, 16), message(2, '', 'o', () => undefined)]) {
    t.throws(() => stopUnit(manager(() => [bytes]).native, 'system', 'x.scope'), Failure);
  }
});

t.test('a manager that never stops sending is abandoned at the deadline', async (t) => {
  const { native } = manager(() => []);
  let now = 0;
  const talking: Native = {
    ...native,
    realTime: () => [(now += 1), 0],
    receiveStream: (fd, size, timeout) => {
      if (now > 1000) throw new Error('not left');
      const got = native.receiveStream(fd, size, timeout);
      return typeof got === 'number' ? message(4, 'Other', '', () => undefined).slice().buffer : got;
    },
  };
  t.throws(() => stopUnit(talking, 'system', 'x.scope'), { message: 'no answer from systemd: connection timed out' });
});

/** A manager that answers each call by a script, over a simulated socket. */
function manager(answers: (member: string) => Uint8Array[]): { native: Native; calls: string[]; host: FakeHost } {
  const host = new FakeHost();
  const calls: string[] = [];
  let waiting: Uint8Array[] = [];
  host.directories.set('/run/systemd/system', 0o755);
  host.files.set('/run/systemd/private', '');
  const native: Native = {
    ...host.native,
    connectStream: () => 9,
    sendStream: (_, bytes) => {
      const sent = new Uint8Array(bytes);
      if (sent[0] === 0) {
        waiting.push(Uint8Array.from(Buffer.from('DATA\r\nOK 0123\r\n')));
        return 0;
      }
      const { name } = decodeMessage(sent);
      calls.push(name);
      serial = sent[8] ?? 0;
      waiting.push(...answers(name));
      return 0;
    },
    receiveStream: () => {
      const next = waiting.shift();
      if (next === undefined) return -110;
      // In two pieces: a stream has no message boundaries.
      if (next.length > 20) {
        waiting = [next.slice(20), ...waiting];
        return next.slice(0, 20).buffer;
      }
      return next.slice().buffer;
    },
  };
  return { native, calls, host };
}

let serial = 0;

function message(kind: number, name: string, signature: string, write: (body: DbusWriter) => void): Uint8Array {
  const body = new DbusWriter();
  write(body);
  const writer = new DbusWriter();
  for (const byte of [0x6c, kind, 0, 1]) writer.byte(byte);
  writer.u32(body.bytes.length);
  writer.u32(77);
  writer.array(8, () => {
    writer.byte(5);
    writer.signature('u');
    writer.u32(kind === 4 ? 0 : serial);
    writer.align(8);
    writer.byte(kind === 4 ? 3 : 4);
    writer.signature('s');
    writer.string(name);
    writer.align(8);
    writer.byte(8);
    writer.signature('g');
    writer.signature(signature);
  });
  writer.align(8);
  return Uint8Array.from([...writer.bytes, ...body.bytes]);
}

const reply = (path: string): Uint8Array => message(2, '', 'o', (body) => body.string(path));
const failure = (name: string, words: string): Uint8Array => message(3, name, 's', (body) => body.string(words));
const removed = (job: string, result: string): Uint8Array =>
  message(4, 'JobRemoved', 'uoss', (body) => {
    body.u32(5);
    body.string(job);
    body.string('x.scope');
    body.string(result);
  });

const unit = {
  name: 'x.scope',
  manager: 'system',
  properties: [{ name: 'TasksMax', value: { type: 't', value: 5n } }],
  divide: [],
  inside: '',
  ops: [],
} as const;

t.test('startUnit waits for its job, whichever comes first', async (t) => {
  const { native, calls } = manager(() => [removed('/job/8', 'failed'), removed('/job/9', 'done'), reply('/job/9')]);
  startUnit(native, unit, 42);
  t.strictSame(calls, ['StartTransientUnit']);
});

t.test('startUnit resets a unit of that name once, and reports why it failed', async (t) => {
  let tries = 0;
  const exists = failure('org.freedesktop.systemd1.UnitExists', 'Unit x.scope already exists.');
  const second = manager((member) => {
    if (member === 'ResetFailedUnit') return [reply('/')];
    tries += 1;
    return tries === 1 ? [exists] : [reply('/job/1'), removed('/job/1', 'done')];
  });
  startUnit(second.native, unit, 42);
  t.strictSame(second.calls, ['StartTransientUnit', 'ResetFailedUnit', 'StartTransientUnit']);
  const never = manager((member) =>
    member === 'ResetFailedUnit'
      ? [failure('org.freedesktop.systemd1.NoSuchUnit', '')]
      : [failure('org.freedesktop.systemd1.UnitExists', 'Unit x.scope already exists.')],
  );
  t.throws(() => startUnit(never.native, unit, 42), {
    message: 'unable to start unit "x.scope": Unit x.scope already exists.',
  });
  const failed = manager(() => [reply('/job/1'), removed('/job/1', 'timeout')]);
  t.throws(() => startUnit(failed.native, unit, 42), { message: /"x\.scope": job ended with timeout/ });
});

t.test('a manager that does not answer ends the command with an error', async (t) => {
  const { native } = manager(() => []);
  t.throws(() => setUnitProperties(native, 'system', 'x.scope', unit.properties), {
    message: 'no answer from systemd: connection timed out',
  });
});

t.test('stopUnit: a missing unit counts as stopped', async (t) => {
  const gone = manager((member) =>
    member === 'StopUnit' ? [failure('org.freedesktop.systemd1.NoSuchUnit', 'not loaded')] : [reply('/')],
  );
  stopUnit(gone.native, 'system', 'x.scope');
  t.strictSame(gone.calls, ['StopUnit', 'ResetFailedUnit']);
});

const property = (value: string): Uint8Array => message(2, '', 'v', (body) => body.variant({ type: 's', value }));

/** The cgroup of the user's manager that answers Get as given. */
function userCgroup(answer: () => Uint8Array[], hello = () => reply('/')): string | undefined {
  const { native, host } = manager((member) => (member === 'Get' ? answer() : [hello()]));
  host.environment.set('DBUS_SESSION_BUS_ADDRESS', 'unix:path=/run/bus');
  host.files.set('/proc/self/uid_map', '0 0 4294967295\n');
  return readUserManager(native, { uid: 1000, gid: 1000, initial: true })?.cgroup;
}

t.test('readUserManager: an error reply is named, to whichever call', async (t) => {
  const refusal = (): Uint8Array => failure('org.freedesktop.DBus.Error.AccessDenied', 'not for you');
  const named = { name: 'Failure', message: 'systemd refuses a call: not for you' };
  t.throws(() => userCgroup(() => [refusal()]), named);
  t.throws(() => userCgroup(() => [], refusal), named);
});

t.test('readUserManager: a cgroup that is no path of one is refused', async (t) => {
  for (const cgroup of ['', '/user.slice', '/user.slice/user-1000.slice/user@1000.service', '/a..b/...']) {
    t.equal(
      userCgroup(() => [property(cgroup)]),
      cgroup,
    );
  }
  for (const cgroup of ['/', 'user.slice', '/a/', '//a', '/a//b', '/.', '/..', '/a/../b', '/a/./b', '../x', '/a\nb']) {
    t.throws(
      () => userCgroup(() => [property(cgroup)]),
      { name: 'Failure', message: /as ControlGroup/ },
      JSON.stringify(cgroup),
    );
  }
  // The writer refuses NUL.
  const zeroed = (): Uint8Array => property('/aXb').map((byte) => (byte === 0x58 ? 0 : byte));
  t.throws(() => userCgroup(() => [zeroed()]), { message: /as ControlGroup/ });
  const number = (): Uint8Array => message(2, '', 'v', (body) => body.variant({ type: 't', value: 5n }));
  t.throws(() => userCgroup(() => [number()]), { message: /no string as ControlGroup/ });
});

t.test('signals: those that nobody awaits are dropped, and the awaited ones bounded', async (t) => {
  const other = message(4, 'Other', '', () => undefined);
  const flood = (one: Uint8Array): Uint8Array[] => Array.from({ length: 1500 }, () => one);
  t.equal(
    userCgroup(() => [...flood(other), property('/a')]),
    '/a',
  );
  t.throws(() => userCgroup(() => [...flood(removed('/job/8', 'done')), property('/a')]), {
    name: 'Failure',
    message: /more than 1000 signals before a reply/,
  });
});
