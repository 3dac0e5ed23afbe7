import { Failure } from '../../diag/diagnostic.ts';
import type { UnitValue } from '../../plan/cgroup/unit.ts';

/**
 * Values in the wire format of D-Bus, little-endian (D-Bus specification, "Marshaling"): each is aligned to its size
 * from the start of the message, so a part is written at its final offset.
 */
export class DbusWriter {
  readonly bytes: number[] = [];

  align(size: number): void {
    while (this.bytes.length % size !== 0) this.bytes.push(0);
  }

  byte(value: number): void {
    this.bytes.push(value & 0xff);
  }

  u32(value: number): void {
    this.align(4);
    for (let shift = 0; shift < 32; shift += 8) this.byte(value >>> shift);
  }

  u64(value: bigint): void {
    this.align(8);
    for (let shift = 0n; shift < 64n; shift += 8n) this.byte(Number((value >> shift) & 0xffn));
  }

  /** Type `s` and `o`: ASCII, as all of rt's names and texts are; other characters become `?`. */
  string(text: string): void {
    this.u32(text.length);
    this.characters(text);
  }

  signature(text: string): void {
    this.byte(text.length);
    this.characters(text);
  }

  /** An array: its length in bytes does not count the padding before its first element. */
  array(alignment: number, write: () => void): void {
    this.u32(0);
    const at = this.bytes.length - 4;
    this.align(alignment);
    const start = this.bytes.length;
    write();
    const length = this.bytes.length - start;
    for (let index = 0; index < 4; index++) this.bytes[at + index] = (length >>> (8 * index)) & 0xff;
  }

  variant(value: UnitValue): void {
    this.signature(value.type);
    this.value(value);
  }

  buffer(): ArrayBuffer {
    return new Uint8Array(this.bytes).buffer;
  }

  private value(value: UnitValue): void {
    switch (value.type) {
      case 'b':
        this.u32(Number(value.value));
        return;
      case 'i':
      case 'u':
        this.u32(value.value);
        return;
      case 't':
      case 'x':
        this.u64(value.value);
        return;
      case 's':
        this.string(value.value);
        return;
      case 'as':
        this.array(4, () => value.value.forEach((item) => this.string(item)));
        return;
      case 'au':
        this.array(4, () => value.value.forEach((item) => this.u32(item)));
        return;
      case 'ay':
        this.array(1, () => value.value.forEach((item) => this.byte(item)));
        return;
      case 'a(ss)':
        this.array(8, () =>
          value.value.forEach(([first, second]) => {
            this.align(8);
            this.string(first);
            this.string(second);
          }),
        );
        return;
    }
  }

  private characters(text: string): void {
    for (let index = 0; index < text.length; index++) {
      const code = text.charCodeAt(index);
      this.byte(code > 0 && code < 0x80 ? code : 0x3f);
    }
    this.byte(0);
  }
}

/** For a malformed D-Bus message from systemd. */
export function malformed(fault: string): Failure {
  return new Failure({ code: 'systemd.message', message: `systemd has sent a message that ${fault}` });
}

/** Reads values sent by systemd; throws a Failure if one does not fit. */
export class DbusReader {
  at = 0;
  private readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  align(size: number): void {
    this.at = Math.ceil(this.at / size) * size;
  }

  byte(): number {
    const value = this.bytes[this.at++];
    if (value === undefined) throw malformed('ends early');
    return value;
  }

  u32(): number {
    this.align(4);
    return (this.byte() | (this.byte() << 8) | (this.byte() << 16) | (this.byte() << 24)) >>> 0;
  }

  string(): string {
    return this.text(this.u32());
  }

  signature(): string {
    return this.text(this.byte());
  }

  private text(length: number): string {
    let text = '';
    for (let index = 0; index < length; index++) text += String.fromCharCode(this.byte());
    this.byte();
    return text;
  }
}
