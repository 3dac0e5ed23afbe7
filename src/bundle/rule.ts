import type { Config } from '../../schema/generated/config.ts';
import type { Code } from '../diag/diagnostic.ts';

export type Report = (code: Code, pointer: string, message: string, hint?: string) => void;

/**
 * A rule for a config that the schema accepts. It reports every fault. If the schema also found faults, required
 * members may be absent and elements null: use `each`.
 */
export type Rule = (config: Config, report: Report) => void;

/** Calls `visit` for each element that is not null. */
export function each<T>(list: readonly T[] | undefined, visit: (item: T, index: number) => void): void {
  if (list === undefined) return;
  for (let index = 0; index < list.length; index++) {
    const item = list[index] as T;
    if (item !== null) visit(item, index);
  }
}

export function isAbsolute(path: string): boolean {
  return path.startsWith('/');
}
