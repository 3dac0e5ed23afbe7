import { readFileSync, writeFileSync } from 'node:fs';
import t from 'tap';
import { commandHelp, generalHelp, widthOf } from './help.ts';
import { manual } from './manual.ts';
import { commands } from '../options/options.ts';
import type { CommandName } from '../options/options.ts';

const path = new URL('../../docs/cli.md', import.meta.url);

t.test('docs/cli.md matches the option table (UPDATE=1 writes it)', async (t) => {
  if (process.env['UPDATE'] === '1') writeFileSync(path, manual());
  t.equal(readFileSync(path, 'utf8'), manual());
});

t.test('help names every command and option, and fits a terminal', async (t) => {
  for (const name of Object.keys(commands) as CommandName[]) {
    t.match(generalHelp(), `  ${name} `);
    for (const { long, name: plain, hidden = false } of commands[name].options) {
      t.equal(new RegExp(`--${long ?? plain}[[ \n]`).test(commandHelp(name)), !hidden, `${name} --${plain}`);
    }
    for (const line of commandHelp(name).split('\n')) t.ok(line.length <= 120, line);
  }
});

t.test('help has lines of the given width, and the same words', async (t) => {
  const words = (text: string): string => text.replaceAll(/\s+/g, ' ');
  for (const width of [80, 50]) {
    t.equal(words(generalHelp(width)), words(generalHelp()));
    for (const name of Object.keys(commands) as CommandName[]) {
      const help = commandHelp(name, width);
      t.equal(words(help), words(commandHelp(name)));
      const texts = help.split('\n').filter((line) => !/^(?: {2}-|Usage: |rt )/.test(line) && /\S +\S/.test(line));
      t.strictSame(
        texts.filter((line) => line.length > width),
        [],
      );
    }
  }
  t.equal(widthOf('80'), 80);
  t.equal(widthOf('0'), undefined);
  t.equal(widthOf('-80'), undefined);
  t.equal(widthOf('many'), undefined);
});

t.test('options of one command have distinct names', async (t) => {
  for (const name of Object.keys(commands) as CommandName[]) {
    const names = commands[name].options.flatMap((option) => [option.long ?? option.name, option.short ?? []].flat());
    t.equal(new Set(names).size, names.length, name);
  }
});
