import { readFileSync, writeFileSync } from 'node:fs';
import t from 'tap';
import { commandHelp, generalHelp } from './help.ts';
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
      t.equal(new RegExp(`--${long ?? plain}[ \n]`).test(commandHelp(name)), !hidden, `${name} --${plain}`);
    }
    for (const line of commandHelp(name).split('\n')) t.ok(line.length <= 120, line);
  }
});

t.test('options of one command have distinct names', async (t) => {
  for (const name of Object.keys(commands) as CommandName[]) {
    const names = commands[name].options.flatMap((option) => [option.long ?? option.name, option.short ?? []].flat());
    t.equal(new Set(names).size, names.length, name);
  }
});
