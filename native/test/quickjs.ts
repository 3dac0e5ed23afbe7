import { spawn } from 'node:child_process';
import { closeSync, readSync, writeSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Native } from '../../src/host/native.ts';
import { loadNative } from '../../src/host/node.ts';

const program = fileURLToPath(new URL('../../build/native-test', import.meta.url));

/** What an answer is written as: JSON has no ArrayBuffer, and an exception is not a value. */
const answer = `answer = (call) => {
  try {
    const value = call();
    return JSON.stringify(value instanceof ArrayBuffer ? { bytes: [...new Uint8Array(value)] } : { value });
  } catch ({ name, message }) {
    return JSON.stringify({ name, message });
  }
}`;

interface Answer {
  readonly value?: unknown;
  readonly bytes?: number[];
  readonly name?: string;
  readonly message?: string;
}

/** The native functions as QuickJS has them, in a process of their own (quickjs.c); `close` ends it. */
export function startQuickjs(): { native: Native; pid: number; close: () => void } {
  const [toRead = -1, requests = -1] = pipe();
  const [answers = -1, toWrite = -1] = pipe();
  const child = spawn(program, { stdio: [toRead, toWrite, 'inherit'] });
  closeSync(toRead);
  closeSync(toWrite);
  child.unref();
  const evaluate = (expression: string): string => {
    writeSync(requests, `${expression.replaceAll('\n', ' ')}\n`);
    return readLine(answers);
  };
  evaluate(answer);
  const native = new Proxy({} as Native, {
    get:
      (_, name) =>
      (...args: unknown[]) =>
        valueOf(JSON.parse(evaluate(`answer(() => native.${String(name)}(${args.map(source).join(', ')}))`)) as Answer),
  });
  const close = (): void => {
    closeSync(requests);
    closeSync(answers);
  };
  return { native, pid: child.pid ?? 0, close };
}

function pipe(): number[] {
  const ends = loadNative().pipe();
  if (typeof ends === 'number') throw new Error(`pipe: ${ends}`);
  return ends;
}

function readLine(descriptor: number): string {
  const chunk = Buffer.alloc(1 << 16);
  let line = Buffer.alloc(0);
  while (!line.includes('\n')) {
    const count = readSync(descriptor, chunk);
    if (count === 0) throw new Error(`${program} has ended`);
    line = Buffer.concat([line, chunk.subarray(0, count)]);
  }
  return line.toString();
}

/** A value as an expression. */
function source(value: unknown): string {
  if (value instanceof ArrayBuffer) return `new Uint8Array([${new Uint8Array(value).join()}]).buffer`;
  if (Array.isArray(value)) return `[${value.map(source).join(', ')}]`;
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'number' || value === undefined) return String(value);
  return JSON.stringify(value);
}

function valueOf({ value, bytes, name, message }: Answer): unknown {
  if (name === 'TypeError') throw new TypeError(message);
  if (name !== undefined) throw new Error(`${name}: ${message ?? ''}`);
  return bytes === undefined ? value : new Uint8Array(bytes).buffer;
}
