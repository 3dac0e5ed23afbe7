import t from 'tap';
import { Failure } from '../diag/diagnostic.ts';
import { parseMounts } from './mount-list.ts';

function faults(text: string, purpose: 'add' | 'remove'): string[] {
  try {
    parseMounts(text, 'mounts.json', purpose);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return error.diagnostics.map(({ message, location, pointer }) => {
      const place = location === undefined ? '' : `${location.line}:${location.column}`;
      return `${place} ${pointer ?? ''} ${message}`;
    });
  }
  return [];
}

t.test('parseMounts accepts an array of mounts, checked like those of a config', async (t) => {
  const text = '[{"destination": "/data", "type": "bind", "source": "/srv"}]';
  t.strictSame(parseMounts(text, 'mounts.json', 'add').mounts, JSON.parse(text));
  t.strictSame(faults('[{"destination": "/data"}]', 'add').length, 1, 'a type is needed');
  t.match(faults('[\n  {"destination": "/", "type": "tmpfs"}]', 'add'), [/^2:4 \/0\/destination .*top of rootfs/]);
  t.match(faults('[{"destination": "/proc/1", "type": "tmpfs"}]', 'add'), [/inside \/proc/]);
  t.match(faults('{}', 'add'), [/must be an array/]);
});

t.test('parseMounts needs only the destinations for removal', async (t) => {
  const removed = parseMounts('[{"destination": "/data", "options": ["what", 7]}]', 'mounts.json', 'remove');
  t.strictSame(removed.mounts, [{ destination: '/data' }]);
  t.match(faults('[{}]', 'remove'), [/destination is missing/]);
  t.match(faults('["/data"]', 'remove'), [/must be an object/]);
  t.match(faults('[{"destination": "/"}]', 'remove'), [/top of rootfs/]);
});
