import t from 'tap';
import { parseCall } from '../harness/calls.ts';
import { distinct } from './distinct.ts';
import { pointsOf, shardOf } from './points.ts';

/** Calls of the runtime: openat without and with O_CREAT, write, close, mkdir, fstat. */
const [look, make, write, close, mkdir, fstat] = ['257', '257', '1', '3', '83', '5'];

function keys(...calls: readonly (readonly [number: string | undefined, third?: string])[]): string[] {
  const counts = new Map<string, number>();
  const lines = calls.map(([number = '', third = '0']) => {
    const nth = (counts.get(number) ?? 0) + 1;
    counts.set(number, nth);
    return `0 ${number} ${nth} 3 0 ${third}`;
  });
  return distinct(pointsOf(lines.map(parseCall))).map(({ key }) => key);
}

t.test('a death after a call that nobody sees is one before it', (t) => {
  const kills = keys([mkdir], [look], [fstat], [write], [close]).filter((key) => key.endsWith('kill:0'));
  t.strictSame(kills, ['0 mkdir 1 kill:0', '0 openat 1 kill:0', '0 close 1 kill:0']);
  t.end();
});

t.test('a death after a file has been made is one of its own', (t) => {
  const kills = keys([make, (0o101).toString(16)], [fstat]).filter((key) => key.endsWith('kill:0'));
  t.strictSame(kills, ['0 openat 1 kill:0', '0 fstat 1 kill:0']);
  t.end();
});

t.test('an error is tried in the last of the turns of a loop', (t) => {
  const turn = [[look], [write], [close]] as const;
  const errors = keys(...turn, ...turn, ...turn, [mkdir]).filter((key) => key.endsWith('EIO'));
  t.strictSame(errors, ['0 openat 1 EIO', '0 write 3 EIO', '0 openat 3 EIO'], 'the first open has no call before it');
  t.end();
});

t.test('each point belongs to one shard, whatever its place', (t) => {
  const points = pointsOf([`0 ${mkdir} 1 0 0 0`, `0 ${fstat} 1 3 0 0`].map(parseCall));
  const shards = points.map((point) => shardOf(point, 3));
  t.ok(shards.every((shard) => [0, 1, 2].includes(shard)));
  t.strictSame(
    points.toReversed().map((point) => shardOf(point, 3)),
    shards.toReversed(),
  );
  t.end();
});
