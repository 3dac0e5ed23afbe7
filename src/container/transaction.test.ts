import t from 'tap';
import { Failure } from '../diag/diagnostic.ts';
import { transact } from './transaction.ts';
import type { OnFailure } from './transaction.ts';

const failure = (message: string): Failure => new Failure({ code: 'internal', message }, 3);

/** What a failed transaction throws, and the undos that ran. */
function fail(body: (onFailure: OnFailure, undone: string[]) => void, cause: Error = failure('first')) {
  const undone: string[] = [];
  try {
    transact(
      (onFailure) => {
        body(onFailure, undone);
        throw cause;
      },
      ({ diagnostics, exitCode }) => new Failure({ code: 'internal', message: messages(diagnostics).join() }, exitCode),
    );
  } catch (error) {
    return { error, undone };
  }
  throw new Error('it did not fail');
}

function messages(diagnostics: Failure['diagnostics']): string[] {
  return diagnostics.map(({ message }) => message);
}

t.test('effects are undone in one order, whatever order they were made in', async (t) => {
  const order = ['net devices', 'init', 'cgroups', 'root', 'resctrl', 'directory', 'hooks'] as const;
  for (const made of [order, [...order].reverse()]) {
    const { undone, error } = fail((onFailure, undone) => {
      for (const effect of made) onFailure(effect, () => undone.push(effect));
    });
    t.same(undone, order);
    t.match(error, { message: 'first', exitCode: 3 });
  }
});

t.test('an undo that fails is reported after the first failure, and the others are still run', async (t) => {
  const { undone, error } = fail((onFailure, undone) => {
    onFailure('directory', () => undone.push('directory'));
    onFailure('cgroups', () => {
      throw failure('busy');
    });
    onFailure('init', () => {
      throw failure('hangs');
    });
  });
  t.same(undone, ['directory']);
  t.match(error, { message: 'first,hangs,busy', exitCode: 3 });
});

t.test('only what was begun is undone, as it was last said', async (t) => {
  const { undone } = fail((onFailure, undone) => {
    onFailure('cgroups', () => undone.push('one cgroup'));
    onFailure('cgroups', () => undone.push('two cgroups'));
    onFailure('directory', () => undone.push('directory'));
    if (undone.length === 0) throw failure('before init');
    onFailure('init', () => undone.push('init'));
  });
  t.same(undone, ['two cgroups', 'directory']);
});

t.test('a bug is undone and thrown as it is', async (t) => {
  const bug = new TypeError('bug');
  const { undone, error } = fail((onFailure, undone) => onFailure('init', () => undone.push('init')), bug);
  t.same(undone, ['init']);
  t.equal(error, bug);
});

t.test('without a failure nothing is undone', async (t) => {
  const undone: string[] = [];
  const result = transact(
    (onFailure) => {
      onFailure('init', () => undone.push('init'));
      return 7;
    },
    (error) => error,
  );
  t.equal(result, 7);
  t.same(undone, []);
});
