// The third-party components of build/rt and build/node, found in the linker's map, esbuild's list of inputs and the
// compiler's list of headers. A component without a known licence is an error.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

interface Component {
  readonly name: string;
  readonly home: string;
  /** As package URLs name it. */
  readonly registry: 'deb/debian' | 'generic' | 'npm';
  /** SPDX expression. */
  readonly spdx: string;
  readonly version: (out: string) => string | undefined;
  /** Text of its licence, with its copyright lines. `undefined`: the licence requires no notice. */
  readonly licence: (() => string) | undefined;
}

/** A component, and which of `build/rt` and `build/node` contain it. */
export interface Part {
  readonly component: Component;
  readonly files: ReadonlySet<string>;
}

const quickjs: Component = {
  name: 'QuickJS',
  home: 'https://bellard.org/quickjs/',
  registry: 'generic',
  spdx: 'MIT',
  version: () => readFileSync('build/quickjs/source/VERSION', 'utf8').trim(),
  licence: quickjsLicence,
};

const musl: Component = {
  name: 'musl',
  home: 'https://musl.libc.org/',
  registry: 'deb/debian',
  spdx: 'MIT',
  version: muslVersion,
  licence: muslLicence,
};

const gcc: Component = {
  name: 'libgcc',
  home: 'https://gcc.gnu.org/',
  registry: 'generic',
  spdx: 'GPL-3.0-or-later WITH GCC-exception-3.1',
  version: () => execFileSync(process.env['CC'] ?? 'gcc', ['-dumpfullversion'], { encoding: 'utf8' }).trim(),
  licence: undefined,
};

/** By the linker's name for an archive or a directory of objects. */
const linked: readonly (readonly [pattern: RegExp, component: Component | undefined])[] = [
  [/^build\/(?:arm64\/)?(?:host-objects|helper-objects)\//, undefined],
  [/\/quickjs\/\w+\.o$/, quickjs],
  [/musl\/lib[cm]\.a$/, musl],
  [/musl\/(?:S?crt1|crti|crtn)\.o$/, musl],
  [/\/gcc[^/]*\/.*\/(?:libgcc(?:_eh)?\.a|crt(?:begin|end)\w*\.o)$/, gcc],
];

const parts = new Map<string, { component: Component; files: Set<string> }>();

function add(component: Component, file: string): void {
  const known = parts.get(component.name) ?? { component, files: new Set() };
  parts.set(component.name, known);
  known.files.add(file);
}

function addPackage(name: string, file: string): void {
  const directory = join('node_modules', name);
  const { homepage, repository, version, license } = JSON.parse(
    readFileSync(join(directory, 'package.json'), 'utf8'),
  ) as {
    version: string;
    license: string;
    homepage?: string;
    repository?: string | { url: string };
  };
  const home = homepage ?? (typeof repository === 'object' ? repository.url : (repository ?? ''));
  const path = ['LICENSE', 'LICENSE.md', 'LICENSE.txt']
    .map((one) => join(directory, one))
    .find((one) => existsSync(one));
  if (path === undefined) throw new Error(`${directory} has no licence`);
  add(
    {
      name,
      home: home.replace(/^git\+/, ''),
      registry: 'npm',
      spdx: license,
      version: () => version,
      licence: () => readFileSync(path, 'utf8'),
    },
    file,
  );
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

/** Of Debian's package; `undefined` elsewhere. */
function muslVersion(out: string): string | undefined {
  const changelog = `${out}/musl/usr/share/doc/musl-dev/changelog.Debian.gz`;
  if (existsSync(changelog)) return /\((.*?)\)/.exec(gunzipSync(readFileSync(changelog)).toString())?.[1];
  try {
    return execFileSync('dpkg-query', ['--show', '--showformat=${Version}', 'musl-dev'], { encoding: 'utf8' });
  } catch {
    return undefined;
  }
}

function addLinked(mapFile: string): void {
  const map = readFileSync(mapFile, 'utf8');
  const members = /^Archive member included.*\n\n([^]*?)\n\n/m.exec(map)?.[1] ?? '';
  const archives = [...members.matchAll(/^(\/?\S+)\([^()]+\)/gm)].map(([, archive = '']) => archive);
  const objects = [...map.matchAll(/^LOAD (.*\.o)$/gm)].map(([, object = '']) => object);
  if (archives.length === 0 || objects.length === 0) throw new Error(`${mapFile} names no inputs`);
  for (const file of [...objects, ...archives]) {
    const found = linked.find(([pattern]) => pattern.test(file));
    if (found === undefined)
      throw new Error(`build/rt holds ${file}: add it and its licence to native/build/components.ts`);
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

/** In alphabetical order. `out` is the directory of the built rt. */
export function components(out: string): readonly Part[] {
  addLinked(`${out}/rt.map`);
  addBundled();
  addAddonHeaders();
  return [...parts.values()].sort((a, b) => (a.component.name.toLowerCase() < b.component.name.toLowerCase() ? -1 : 1));
}
