// Packs the packages of npm (`make dist`): one with the JavaScript and its types, and one for the machine with what is
// compiled, of which npm installs the one that fits. usage: npm.mjs BUILT CPU STAGING DIST
//   BUILT    directory of the built rt
//   CPU      npm's name of its machine: x64, arm64
import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const [built, cpu, staging, dist] = process.argv.slice(2);
const scope = '@oci-rt';
const cpus = ['x64', 'arm64'];
const { version, description, license, type, engines, os, bin, exports } = JSON.parse(
  readFileSync('package.json', 'utf8'),
);
const common = { version, license, os };

/** `files`: pairs of a source and its path in the package. */
function pack(name, readme, manifest, files) {
  const folder = join(staging, name);
  for (const [from, to] of [...files, ['LICENSE'], ['NOTICE'], [join('packaging/npm', readme), 'README.md']]) {
    mkdirSync(join(folder, to ?? from, '..'), { recursive: true });
    cpSync(from, join(folder, to ?? from), { recursive: true });
  }
  const whole = { name: `${scope}/${name}`, ...common, ...manifest };
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(whole, null, 2)}\n`);
  // npm gives all files one time and one owner, but their modes in a checkout depend on the umask.
  for (const name of readdirSync(folder, { recursive: true })) {
    const path = join(folder, name);
    const { mode } = statSync(path);
    chmodSync(path, mode & 0o100 ? 0o755 : 0o644);
  }
  const options = ['--json', '--ignore-scripts', '--pack-destination', dist];
  const [{ filename, size, unpackedSize, entryCount }] = JSON.parse(
    execFileSync('npm', ['pack', ...options, folder], { encoding: 'utf8' }),
  );
  const kib = (bytes) => `${Math.ceil(bytes / 1024)} KiB`;
  console.log(`${filename}: ${kib(size)}, unpacked ${kib(unpackedSize)} in ${entryCount} files`);
}

const machine = [[join(built, 'rt'), 'rt']];
// A cross build has none.
if (built === 'build' && existsSync('build/node/rt.node')) machine.push(['build/node/rt.node', 'rt.node']);
const about = `The program of ${scope}/rt for Linux on ${cpu}`;
pack(`linux-${cpu}`, 'machine.md', { description: about, cpu: [cpu], bin: { 'oci-rt': 'rt' } }, machine);

const scripts = ['rt.js', 'program.js', 'index.cjs', 'index.mjs', 'package.json'].map((name) => [`build/node/${name}`]);
const optionalDependencies = Object.fromEntries(cpus.map((name) => [`${scope}/linux-${name}`, version]));
pack('rt', 'README.md', { description, type, engines, bin, exports, optionalDependencies }, [
  ...scripts,
  ['build/types'],
]);
