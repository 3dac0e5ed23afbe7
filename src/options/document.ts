import type { Code } from '../diag/diagnostic.ts';
import { expectResult } from '../diag/system.ts';
import type { Native } from '../host/native.ts';

const standardInput = 0;
const largestDocument = 16 << 20;

/** The document that an argument names, `-` for standard input, and its name in messages. `code`: that of a failure. */
export function readDocument(native: Native, path: string, code: Code): { text: string; name: string } {
  const name = path === '-' ? 'standard input' : path;
  const text = path === '-' ? native.readFd(standardInput, largestDocument) : native.readText(path, largestDocument);
  return { text: expectResult(text, code, `cannot read "${name}"`, 'read'), name };
}
