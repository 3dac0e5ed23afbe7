import { DbusReader, DbusWriter, malformed } from './marshal.ts';

/** D-Bus specification, "Message Protocol". */
const littleEndian = 0x6c;
const protocolVersion = 1;
const kinds = { call: 1, return: 2, error: 3, signal: 4 } as const;
const fields = {
  path: 1,
  interface: 2,
  member: 3,
  errorName: 4,
  replySerial: 5,
  destination: 6,
  signature: 8,
} as const;
const fixedHeader = 16;
const largestMessage = 1 << 20;

export interface Call {
  /** '' on a connection without a bus. */
  readonly destination: string;
  readonly path: string;
  readonly interface: string;
  readonly member: string;
  readonly signature: string;
}

/** The parts of a message that rt uses. */
export interface Message {
  readonly kind: 'return' | 'error' | 'signal' | 'other';
  readonly replySerial: number;
  /** Name of a signal or an error. */
  readonly name: string;
  /** Reads the arguments. */
  readonly body: DbusReader;
  readonly signature: string;
}

export function encodeCall(call: Call, serial: number, writeBody: (body: DbusWriter) => void): ArrayBuffer {
  const body = new DbusWriter();
  writeBody(body);
  const message = new DbusWriter();
  for (const byte of [littleEndian, kinds.call, 0, protocolVersion]) message.byte(byte);
  message.u32(body.bytes.length);
  message.u32(serial);
  message.array(8, () => {
    const field = (code: number, type: 's' | 'o' | 'g', text: string): void => {
      if (text === '') return;
      message.align(8);
      message.byte(code);
      message.signature(type);
      if (type === 'g') message.signature(text);
      else message.string(text);
    };
    field(fields.path, 'o', call.path);
    field(fields.interface, 's', call.interface);
    field(fields.member, 's', call.member);
    field(fields.destination, 's', call.destination);
    field(fields.signature, 'g', call.signature);
  });
  message.align(8);
  message.bytes.push(...body.bytes);
  return message.buffer();
}

/** The size of the message that begins with `bytes`; undefined until its header is complete. */
export function messageSize(bytes: Uint8Array): number | undefined {
  if (bytes.length < fixedHeader) return undefined;
  const reader = new DbusReader(bytes);
  if (reader.byte() !== littleEndian) throw malformed('is not little-endian');
  reader.at = 4;
  const bodySize = reader.u32();
  reader.at = 12;
  const size = Math.ceil((fixedHeader + reader.u32()) / 8) * 8 + bodySize;
  if (size > largestMessage) throw malformed('is too large');
  return size;
}

/** Decodes one whole message. */
export function decodeMessage(bytes: Uint8Array): Message {
  const reader = new DbusReader(bytes);
  reader.at = 1;
  const kind = reader.byte();
  reader.at = 12;
  const end = fixedHeader + reader.u32();
  let replySerial = 0;
  let name = '';
  let signature = '';
  while (reader.at < end) {
    reader.align(8);
    const code = reader.byte();
    const type = reader.signature();
    if (type === 'u') {
      const value = reader.u32();
      if (code === fields.replySerial) replySerial = value;
    } else {
      const text = type === 'g' ? reader.signature() : reader.string();
      if (code === fields.member || code === fields.errorName) name = text;
      if (code === fields.signature) signature = text;
    }
  }
  reader.align(8);
  const known = { [kinds.return]: 'return', [kinds.error]: 'error', [kinds.signal]: 'signal' } as const;
  return {
    kind: (known as Record<number, Message['kind']>)[kind] ?? 'other',
    replySerial,
    name,
    body: reader,
    signature,
  };
}
