// Bundles the program for its two hosts. QuickJS evaluates one classic script at build time
// (native/host/engine.c); Node gets ES modules.
import { execFileSync } from 'node:child_process';
import { chmod, mkdir } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { build } from 'esbuild';

/** Absent in an unpacked archive of the sources. */
function commit() {
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
  legalComments: 'none',
  mainFields: ['module', 'main'],
  define: { RT_COMMIT: JSON.stringify(commit()) },
};

await mkdir('build/node', { recursive: true });

await build({
  ...shared,
  entryPoints: ['src/host/main-quickjs.ts'],
  outfile: 'build/rt.js',
  platform: 'neutral',
  format: 'iife',
  banner: { js: '"use strict";' },
});

const node = { ...shared, platform: 'node', mainFields: ['module', 'main'], format: 'esm', outdir: 'build/node' };
await build({
  ...node,
  entryPoints: { rt: 'src/host/main-node.ts' },
  banner: { js: '#!/usr/bin/env node' },
});
await chmod('build/node/rt.js', 0o755);
if (existsSync('src/index.ts')) await build({ ...node, entryPoints: { index: 'src/index.ts' } });
