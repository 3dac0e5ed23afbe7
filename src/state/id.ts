import { Failure } from '../diag/diagnostic.ts';

/** NAME_MAX: the id names a directory of the state and, by default, a cgroup. */
const longestId = 255;

// A leading dot is refused, so `.` and `..` are, too.
const format = /^[A-Za-z0-9_+-][A-Za-z0-9_+.-]*$/;

/** True when `name` can name a container. */
export function isId(name: string): boolean {
  return format.test(name) && name.length <= longestId;
}

/** Throws unless `id` can name a container. */
export function checkId(id: unknown): asserts id is string {
  // A caller of the API may pass any type.
  if (typeof id !== 'string') throw new Failure({ code: 'state.id', message: 'container id must be a string' });
  if (id === '') throw new Failure({ code: 'state.id', message: 'container id cannot be empty' });
  if (!format.test(id)) {
    throw new Failure({
      code: 'state.id',
      message: `invalid container ID format: ${JSON.stringify(id.slice(0, longestId))}`,
      hint: 'use letters, digits and _ + - . with no dot in front',
    });
  }
  if (id.length > longestId) {
    throw new Failure({
      code: 'state.id',
      message: `invalid container ID format: longer than ${longestId} characters`,
    });
  }
}
