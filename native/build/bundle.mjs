// Bundles the program for its two hosts. QuickJS evaluates one classic script at build time (native/host/engine.c).
// Node gets a CommonJS program, which starts much faster than ES modules, and the API for both kinds of modules.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { build } from 'esbuild';

/** COMMIT, or that of this checkout: git would look for it in the folders above an unpacked archive, too. */
function commit() {
  if (process.env.COMMIT) return process.env.COMMIT;
  if (!existsSync('.git')) return 'unknown';
  try {
    return execFileSync('git', ['describe', '--always', '--dirty'], { encoding: 'utf8', stdio: 'pipe' }).trim();
  } catch {
    return 'unknown';
  }
}

const shared = {
  bundle: true,
  target: 'es2023',
  charset: 'utf8',
  logLevel: 'warning',
  // NOTICE contains them.
  legalComments: 'none',
  metafile: true,
  mainFields: ['module', 'main'],
  define: { RT_COMMIT: JSON.stringify(commit()) },
};

await mkdir('build/node', { recursive: true });

/** Inputs of each output, for native/build/notice.ts. */
const bundled = {};
async function bundle(options) {
  const { metafile } = await build(options);
  for (const [output, { inputs }] of Object.entries(metafile.outputs)) {
    bundled[output] = Object.keys(inputs).filter((input) => inputs[input].bytesInOutput > 0);
  }
}

await bundle({
  ...shared,
  entryPoints: ['src/host/main-quickjs.ts'],
  outfile: 'build/rt.js',
  platform: 'neutral',
  // Puts the numbers of constants where they are used: a smaller heap, fewer lookups.
  minifySyntax: true,
  format: 'iife',
  banner: { js: '"use strict";' },
});

// V8 compares only the length of a source with its code cache.
await rm('build/node/program.cache', { force: true });
const node = { ...shared, platform: 'node', outdir: 'build/node' };
const paths = { 'import.meta.url': 'moduleUrl', 'import.meta.dirname': '__dirname' };
await bundle({
  ...node,
  entryPoints: { rt: 'src/host/main-node.ts' },
  format: 'cjs',
  define: { ...shared.define, ...paths },
  banner: { js: '#!/usr/bin/env node' },
});
await bundle({
  ...node,
  entryPoints: { program: 'src/host/main-node-program.ts' },
  format: 'iife',
  globalName: 'program',
  // One byte per character, and as few as possible: less to read.
  charset: 'ascii',
  minifyWhitespace: true,
  define: { ...shared.define, ...paths },
  banner: { js: '(function (require, __dirname) { const moduleUrl = `file://${__dirname}/program.js`;' },
  footer: { js: 'return program; })' },
});
// esbuild does not escape characters in regular expressions, but main-node.ts reads bytes.
const nonAscii = /[^\0-\x7f]/.exec(await readFile('build/node/program.js', 'utf8'));
if (nonAscii !== null) throw new Error(`write '${nonAscii[0]}' as an escape: build/node/program.js is not ASCII`);
await chmod('build/node/rt.js', 0o755);
await writeFile('build/node/package.json', '{ "type": "commonjs" }\n');
await bundle({
  ...node,
  entryPoints: { index: 'src/index.ts' },
  format: 'cjs',
  outExtension: { '.js': '.cjs' },
  define: { ...shared.define, ...paths },
  banner: { js: "const moduleUrl = require('node:url').pathToFileURL(__filename).href;" },
});
// One Failure for both kinds of importers. Node finds the names in what esbuild writes for that.
await writeFile('build/node/index.mjs', "export * from './index.cjs';\n");
await writeFile('build/bundled.json', JSON.stringify(bundled));
