import assert from 'node:assert/strict';
import test from 'node:test';
import { nearest } from './near.ts';

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
