// Writes NOTICE: the third-party components of build/rt and build/node with their licences, found in the linker's map,
// esbuild's list of inputs and the compiler's list of headers. A component without a known licence is an error.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

interface Component {
  readonly name: string;
  readonly home: string;
  /** Text of its licence, with its copyright lines. */
  readonly licence: () => string;
}

/** By the linker's name for an archive or a directory of objects. `undefined`: the licence requires no notice. */
const linked: readonly (readonly [pattern: RegExp, component: Component | undefined])[] = [
  [/^build\/(?:host-objects|helper-objects)\//, undefined],
  [/\/quickjs\/\w+\.o$/, { name: 'QuickJS', home: 'https://bellard.org/quickjs/', licence: quickjsLicence }],
  [/musl\/libc\.a$/, { name: 'musl', home: 'https://musl.libc.org/', licence: muslLicence }],
  // Files that start a program: in the public domain, by musl's licence.
  [/musl\/(?:S?crt1|crti|crtn)\.o$/, undefined],
  // GCC Runtime Library Exception.
  [/\/gcc[^/]*\/.*\/(?:libgcc(?:_eh)?\.a|crt(?:begin|end)\w*\.o)$/, undefined],
];

const parts = new Map<string, { component: Component; files: Set<string> }>();

function add(component: Component, file: string): void {
  const known = parts.get(component.name) ?? { component, files: new Set() };
  parts.set(component.name, known);
  known.files.add(file);
}

function addPackage(name: string, file: string): void {
  const directory = join('node_modules', name);
  const { homepage, repository } = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8')) as {
    homepage?: string;
    repository?: string | { url: string };
  };
  const home = homepage ?? (typeof repository === 'object' ? repository.url : (repository ?? ''));
  const path = ['LICENSE', 'LICENSE.md', 'LICENSE.txt']
    .map((one) => join(directory, one))
    .find((one) => existsSync(one));
  if (path === undefined) throw new Error(`${directory} has no licence`);
  add({ name, home: home.replace(/^git\+/, ''), licence: () => readFileSync(path, 'utf8') }, file);
}

/** The licence file, and every copyright line of the compiled sources: they name more years. */
function quickjsLicence(): string {
  const source = 'build/quickjs/source';
  const files = ['quickjs', 'libregexp', 'libunicode', 'cutils', 'dtoa'].map((name) => `${source}/${name}.c`);
  const lines = files.flatMap((file) => readFileSync(file, 'utf8').match(/Copyright \(c\) .*$/gm) ?? []);
  const text = readFileSync(`${source}/LICENSE`, 'utf8');
  const more = [...new Set(lines)].filter((line) => !text.includes(line)).sort();
  return text.replace(/(?:^Copyright .*\n)+/m, (own) => `${own}${more.join('\n')}\n`);
}

/** From Debian's copyright file, without the entries for its packaging. */
function muslLicence(): string {
  const paragraphs = readFileSync('/usr/share/doc/musl-dev/copyright', 'utf8').trimEnd().split(/\n\n+/);
  return paragraphs.filter((one) => !one.startsWith('Files: debian/') && !one.startsWith('Format: ')).join('\n\n');
}

function addLinked(): void {
  const map = readFileSync('build/rt.map', 'utf8');
  const members = /^Archive member included.*\n\n([^]*?)\n\n/m.exec(map)?.[1] ?? '';
  const archives = [...members.matchAll(/^(\/?\S+)\([^()]+\)/gm)].map(([, archive = '']) => archive);
  const objects = [...map.matchAll(/^LOAD (.*\.o)$/gm)].map(([, object = '']) => object);
  if (archives.length === 0 || objects.length === 0) throw new Error('build/rt.map tells of no inputs');
  for (const file of [...objects, ...archives]) {
    const found = linked.find(([pattern]) => pattern.test(file));
    if (found === undefined)
      throw new Error(`build/rt holds ${file}: add it and its licence to native/build/notice.ts`);
    if (found[1] !== undefined) add(found[1], 'build/rt');
  }
}

function packageOf(path: string): string | undefined {
  return /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1];
}

function addBundled(): void {
  const bundled = JSON.parse(readFileSync('build/bundled.json', 'utf8')) as Record<string, readonly string[]>;
  for (const [output, inputs] of Object.entries(bundled)) {
    for (const input of inputs) {
      const name = packageOf(input);
      if (name !== undefined) addPackage(name, output === 'build/rt.js' ? 'build/rt' : 'build/node');
    }
  }
}

/** Its inline functions are part of the addon; node-api-headers contain only declarations. */
function addAddonHeaders(): void {
  const directories = ['node_modules/node-addon-api', 'node_modules/node-api-headers/include'];
  const words = ['-M', ...directories.flatMap((one) => ['-isystem', one]), 'native/host/addon.cc'];
  const headers = execFileSync('g++', words, { encoding: 'utf8' }).split(/[\s\\]+/);
  for (const name of new Set(headers.map(packageOf))) {
    if (name !== undefined && name !== 'node-api-headers') addPackage(name, 'build/node');
  }
}

addLinked();
addBundled();
addAddonHeaders();

const bar = '='.repeat(80);
const sections = [...parts.values()]
  .sort((a, b) => (a.component.name.toLowerCase() < b.component.name.toLowerCase() ? -1 : 1))
  .map(({ component: { name, home, licence }, files }) => {
    const text = licence()
      .trim()
      .replaceAll(/[ \t]+$/gm, '');
    return `${bar}\n${name} (${home}), in ${[...files].sort().join(' and ')}\n${bar}\n\n${text}\n`;
  });
writeFileSync(
  'NOTICE',
  `rt
Copyright 2026 The authors of rt

Licensed under the Apache License, Version 2.0: see LICENSE. The built programs hold parts of other works, under the
licences below. native/build/notice.ts makes this list from what is linked and bundled.

${sections.join('\n')}`,
);
