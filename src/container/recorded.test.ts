import t from 'tap';
import { FakeHost } from '../../test/fake-host.ts';
import { Failure } from '../diag/diagnostic.ts';
import type { Watch } from '../launch/watch.ts';
import { recordCalls } from './recorded.ts';

t.test('--record-seccomp: a file that is no profile is not written', async (t) => {
  const told = (text: string): unknown => {
    const host = new FakeHost();
    host.files.set('/work/f', text);
    try {
      recordCalls(host.native, Object.create(null) as Watch, 'f', true);
      return 'taken';
    } catch (error) {
      t.equal(host.files.get('/work/f'), text);
      return error instanceof Failure ? error.diagnostics[0] : error;
    }
  };
  for (const text of ['{}', 'null', '7', '"text"', 'no JSON', '{"syscalls": 7}', '[]']) {
    t.match(told(text), { code: 'seccomp.record', message: /"\/work\/f" is no seccomp profile/ }, text);
  }
  for (const text of ['', '\n ']) {
    t.match(told(text), { message: /"\/work\/f" is empty/, hint: 'remove it: it is made anew' }, JSON.stringify(text));
  }
});
