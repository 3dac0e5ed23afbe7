import t from 'tap';
import { formatTime } from './time.ts';

t.test('formatTime agrees with Date', async (t) => {
  const days = [0, 59, 60, 364, 365, 789, 10956, 11016, 11017, 19782, 19783, 24836, 47540, 47541, 60000];
  for (const day of days) {
    for (const second of [0, 1, 3599, 3600, 45296, 86399]) {
      const time = day * 86400 + second;
      t.equal(formatTime(time), new Date(time * 1000).toISOString().replace('.000Z', 'Z'));
    }
  }
});

t.test('formatTime writes nine digits of nanoseconds', async (t) => {
  t.equal(formatTime(1_700_000_000, 5), '2023-11-14T22:13:20.000000005Z');
  t.equal(formatTime(1_700_000_000, 999_999_999), '2023-11-14T22:13:20.999999999Z');
});
