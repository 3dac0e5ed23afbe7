/** What CONTRIBUTING.md and docs/architecture.md name must be there: files, functions of files, targets of make. */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import t from 'tap';
import { repository } from './named-cases.ts';

const makefile = readFileSync(`${repository}/Makefile`, 'utf8');

/** Words in backquotes, of running text and of lists; blocks of commands are not among them. */
function quoted(text: string): string[] {
  return [...text.matchAll(/`([^`\n]+)`/g)].map(([, word = '']) => word);
}

const isPath = (word: string): boolean =>
  /^(src|native|schema|conformance|docs|test)\/\S*$|^[\w.-]+\.(md|json)$/.test(word);

/** A `*` stands for any part of the last name. */
function exists(path: string): boolean {
  const [before = '', after] = basename(path).split('*');
  if (after === undefined) return existsSync(path);
  return readdirSync(dirname(path)).some((name) => name.startsWith(before) && name.endsWith(after));
}

for (const page of ['CONTRIBUTING.md', 'docs/architecture.md']) {
  const text = readFileSync(join(repository, page), 'utf8');

  t.test(`files that ${page} names exist`, async (t) => {
    const paths = quoted(text).filter(isPath);
    t.ok(paths.length > 10, 'there are some');
    for (const path of paths) t.ok(exists(join(repository, path)), path);
    const links = [...text.matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)].map(([, target = '']) => target);
    for (const target of links) t.ok(exists(join(repository, dirname(page), target)), target);
  });

  t.test(`a name that ${page} has before a file is in that file`, async (t) => {
    for (const [words, name = '', path = ''] of text.matchAll(/`(\w+)` \(`([^`\s]+)`\)/g)) {
      t.ok(readFileSync(join(repository, path), 'utf8').includes(name), words);
    }
  });

  t.test(`targets of make that ${page} names exist`, async (t) => {
    const commands = [...quoted(text), ...text.split('\n').filter((line) => /^(?:\w+=\S+ )*make /.test(line))];
    const targets = commands.flatMap((line) => /\bmake ([a-z][a-z-]*)(?= |$)/.exec(line)?.[1] ?? []);
    for (const target of targets) t.match(makefile, new RegExp(`^${target}:`, 'm'), target);
  });
}
