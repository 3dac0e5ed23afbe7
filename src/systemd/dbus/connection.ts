import { Failure } from '../../diag/diagnostic.ts';
import { errnoText } from '../../diag/errno.ts';
import type { Native } from '../../host/native.ts';
import { ETIMEDOUT } from '../../kernel/errno.ts';
import { milliseconds } from '../../host/poll.ts';
import { malformed } from './marshal.ts';
import type { DbusWriter } from './marshal.ts';
import { decodeMessage, encodeCall, messageSize } from './message.ts';
import type { Call, Message } from './message.ts';

const largestRead = 65536;
/** Limit for a line of the authentication protocol. */
const longestLine = 4096;
/** Signals that are kept while a reply is awaited. */
const mostSignals = 1000;

/** An error reply. */
export class DbusError extends Error {
  /** `org.freedesktop.systemd1.UnitExists` */
  readonly dbusName: string;

  constructor(name: string, message: string) {
    super(message);
    this.name = 'DbusError';
    this.dbusName = name;
  }
}

/**
 * A connection to D-Bus over a unix socket (D-Bus specification, "Authentication Protocol", "Message Protocol"). Every
 * wait has a deadline: a manager that does not answer cannot block the runtime.
 */
export class DbusConnection {
  private readonly native: Native;
  private readonly fd: number;
  private readonly deadline: number;
  private received = new Uint8Array();
  private serial = 0;
  private readonly awaited: string;
  private readonly signals: Message[] = [];

  /**
   * @param timeoutMs for everything done on this connection
   * @param awaited the name of the signals that are awaited; all others are dropped
   */
  constructor(native: Native, path: string, timeoutMs: number, awaited: string) {
    this.native = native;
    this.awaited = awaited;
    this.deadline = milliseconds(native) + timeoutMs;
    this.fd = native.connectStream(path, timeoutMs);
    if (this.fd < 0) throw this.broken(`cannot connect to "${path}"`, this.fd);
  }

  /** The socket passes our credentials, so no uid is sent: it would be wrong in a user namespace. */
  authenticate(): void {
    this.sendBytes(ascii('\0AUTH EXTERNAL\r\nDATA\r\nBEGIN\r\n'));
    for (const wanted of ['DATA', 'OK ']) {
      const line = this.readLine();
      if (!line.startsWith(wanted)) {
        throw new Failure({ code: 'systemd.refused', message: `systemd refused authentication: ${line}` });
      }
    }
  }

  /** Sends a call and waits for its reply; awaited signals that arrive meanwhile are queued. */
  call(call: Call, writeBody: (body: DbusWriter) => void): Message {
    this.serial += 1;
    this.sendBytes(encodeCall(call, this.serial, writeBody));
    for (;;) {
      const message = this.read();
      if (this.isAwaited(message) && this.signals.push(message) > mostSignals) {
        throw malformed(`is one of more than ${mostSignals} signals before a reply`);
      }
      if (message.replySerial !== this.serial) continue;
      if (message.kind === 'error') {
        throw new DbusError(message.name, message.signature.startsWith('s') ? message.body.string() : '');
      }
      if (message.kind === 'return') return message;
    }
  }

  /** The next awaited signal, including queued ones. */
  signal(): Message {
    for (;;) {
      const message = this.signals.shift() ?? this.read();
      if (this.isAwaited(message)) return message;
    }
  }

  private isAwaited({ kind, name }: Message): boolean {
    return kind === 'signal' && name === this.awaited;
  }

  close(): void {
    this.native.close(this.fd);
  }

  private read(): Message {
    for (;;) {
      const size = messageSize(this.received);
      if (size !== undefined && this.received.length >= size) {
        const message = decodeMessage(this.received.slice(0, size));
        this.received = this.received.slice(size);
        return message;
      }
      this.receive();
    }
  }

  private readLine(): string {
    for (;;) {
      const end = this.received.subarray(0, longestLine).indexOf(10);
      if (end >= 0) {
        const line = String.fromCharCode(...this.received.subarray(0, end)).trim();
        this.received = this.received.slice(end + 1);
        return line;
      }
      if (this.received.length > longestLine) throw malformed('is not a line of the authentication protocol');
      this.receive();
    }
  }

  private receive(): void {
    const left = this.left();
    // Limits the data accepted from a peer that never stops sending.
    if (left === 0) throw this.broken('no answer from systemd', -ETIMEDOUT);
    const got = this.native.receiveStream(this.fd, largestRead, left);
    if (typeof got === 'number') throw this.broken('no answer from systemd', got);
    if (got.byteLength === 0) {
      throw new Failure({ code: 'systemd.closed', message: 'systemd has closed the connection' });
    }
    const joined = new Uint8Array(this.received.length + got.byteLength);
    joined.set(this.received);
    joined.set(new Uint8Array(got), this.received.length);
    this.received = joined;
  }

  private sendBytes(bytes: ArrayBuffer): void {
    const status = this.native.sendStream(this.fd, bytes, this.left());
    if (status < 0) throw this.broken('cannot write to systemd', status);
  }

  private left(): number {
    return Math.max(0, Math.ceil(this.deadline - milliseconds(this.native)));
  }

  private broken(what: string, result: number): Failure {
    return new Failure({ code: 'systemd.connection', message: `${what}: ${errnoText(-result)}` });
  }
}

function ascii(text: string): ArrayBuffer {
  const bytes = new Uint8Array(text.length);
  for (let index = 0; index < text.length; index++) bytes[index] = text.charCodeAt(index);
  return bytes.buffer;
}
