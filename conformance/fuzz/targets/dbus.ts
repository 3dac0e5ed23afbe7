import { Failure } from '../../../src/diag/diagnostic.ts';
import type { Native } from '../../../src/host/native.ts';
import { DbusWriter } from '../../../src/systemd/dbus/marshal.ts';
import { setUnitProperties, startUnit, stopUnit } from '../../../src/systemd/units.ts';
import { below, bytesOf, damage, pick, seedOf, textOf } from '../target.ts';
import type { Random, Target } from '../target.ts';

const handshake = 'DATA\r\nOK 0123456789abcdef\r\n';
const names = ['JobRemoved', 'Other', 'org.freedesktop.systemd1.UnitExists', 'org.freedesktop.systemd1.NoSuchUnit'];
const unit = {
  name: 'x.scope',
  manager: 'system',
  properties: [{ name: 'TasksMax', value: { type: 't', value: 5n } }],
  divide: [],
  inside: '',
  ops: [],
} as const;

/** Messages of the systemd manager on one connection. */
export const dbus: Target = {
  name: 'dbus',
  unit: 'messages',
  rounds: 300,
  make: (next) => {
    const messages = Array.from({ length: 1 + below(8, next) }, (_, index) => message(1 + (index >> 1), next));
    const whole = (next() < 0.95 ? handshake : damage(handshake, next)) + messages.join('');
    return next() < 0.2 ? whole : damage(whole, next);
  },
  check: (input) => {
    const { native, received } = manager(input);
    const command = pick(
      [
        () => startUnit(native, unit, 42),
        () => stopUnit(native, 'system', unit.name),
        () => setUnitProperties(native, 'system', unit.name, unit.properties),
      ],
      () => (seedOf(input) % 97) / 97,
    );
    try {
      command();
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
    }
    return received();
  },
};

function message(serial: number, next: Random): string {
  const body = new DbusWriter();
  const signature = pick(['', 'o', 's', 'uoss', 'g'], next);
  for (const type of signature) {
    if (type === 'u') body.u32(below(9, next));
    else if (type === 'g') body.signature('as');
    else body.string(pick(['/job/1', '/job/2', 'done', 'failed', 'x.scope', '', 'a'.repeat(below(300, next))], next));
  }
  const kind = pick([2, 2, 2, 3, 4, 4, 1, 5], next);
  const writer = new DbusWriter();
  for (const byte of [0x6c, kind, 0, 1]) writer.byte(byte);
  writer.u32(body.bytes.length);
  writer.u32(below(9, next));
  writer.array(8, () => {
    for (let fields = below(5, next); fields >= 0; fields--) {
      writer.align(8);
      const code = pick([1, 3, 4, 5, 5, 5, 8, 200], next);
      const type = code === 5 ? 'u' : code === 8 ? 'g' : pick(['s', 'o', 'i', 'v', 'as'], next);
      writer.byte(code);
      writer.signature(type);
      if (type === 'u') writer.u32(next() < 0.9 ? serial : below(9, next));
      else if (type === 'g') writer.signature(signature);
      else writer.string(pick(names, next));
    }
  });
  writer.align(8);
  return textOf(writer.bytes) + textOf(body.bytes);
}

/** A host on which systemd sends `input`, in pieces, and then closes. Time advances with each call. */
function manager(input: string): { native: Native; received: () => number } {
  const bytes = bytesOf(input);
  let at = 0;
  let seconds = 0;
  let messages = 0;
  const functions: Partial<Native> = {
    getEnv: () => -2,
    stat: (path) => (path.startsWith('/run/systemd/') ? [0, 0, 0, 0, 0, 0, 0] : -2),
    realTime: () => [(seconds += 0.001), 0],
    connectStream: () => 9,
    close: () => 0,
    sendStream: () => 0,
    receiveStream: () => {
      messages++;
      const piece = bytes.slice(at, at + 1 + (bytes[at] ?? 0) * 4);
      at += piece.length;
      return piece.buffer;
    },
  };
  return { native: functions as Native, received: () => messages };
}
