import t from 'tap';
import type { Native } from '../host/native.ts';
import { EPIPE, ETIMEDOUT } from '../kernel/errno.ts';
import type { Context } from '../options/command.ts';
import { openLifeline } from './lifeline.ts';

t.test('tell: whoever does not read is waited for once, and then told no more', async (t) => {
  for (const errno of [ETIMEDOUT, EPIPE]) {
    const sent: string[] = [];
    let result = 0;
    const native: Partial<Native> = {
      isStream: () => 1,
      sendText: (fd, text, timeoutMs) => {
        t.equal(fd, 3);
        t.ok(timeoutMs > 0);
        sent.push(text);
        return result;
      },
    };
    const lifeline = openLifeline({ native, options: { lifeline: 3 } } as unknown as Context);
    const tell = (pid: number): void => lifeline?.tell({ type: 'started', pid, warnings: [] });
    tell(1);
    result = -errno;
    tell(2);
    result = 0;
    tell(3);
    t.strictSame(
      sent.map((line) => (JSON.parse(line) as { pid: number }).pid),
      [1, 2],
    );
    t.ok(sent.every((line) => line.endsWith('}\n')));
  }
});
