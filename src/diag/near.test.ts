import assert from 'node:assert/strict';
import test from 'node:test';
import { didYouMean, nearest } from './near.ts';

const commands = ['start', 'state', 'spec', 'kill', 'ps', 'run'];

for (const [word, meant] of [
  ['strat', 'start'],
  ['stat', 'start'],
  ['Start', 'start'],
  ['kil', 'kill'],
  ['KILLL', 'kill'],
  ['specs', 'spec'],
  ['rnu', 'run'],
] as const) {
  test(`"${word}" is probably ${meant}`, () => {
    assert.equal(nearest(word, commands), meant);
  });
}

for (const word of ['', 'stop', 'x', 'rm', 'pss', 'checkpoint']) {
  test(`"${word}" resembles no word`, () => {
    assert.equal(nearest(word, ['start', 'kill', 'ps', 'list']), undefined);
  });
}

test('the nearest of several words is suggested', () => {
  assert.equal(nearest('maskedPath', ['maskedPaths', 'markedPat']), 'maskedPaths');
});

test('a number that was added is left out, unless a word with one is nearer', () => {
  const domains = ['LINUX', 'LINUX32'];
  assert.equal(didYouMean('LINUX64', domains), 'did you mean LINUX?');
  assert.equal(didYouMean('LINUX23', domains), 'did you mean LINUX32?');
  assert.equal(didYouMean('linux', domains), 'did you mean LINUX?');
});
