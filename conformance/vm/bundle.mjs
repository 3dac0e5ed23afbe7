// Bundles test files or programs for a slow machine: usage: bundle.mjs OUTDIR FILE..., OUTDIR three levels below the repository
// Loading TypeScript and tap module by module takes half a minute there, one file a few seconds.
import { readFileSync } from 'node:fs';
import { basename, dirname, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const repository = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const [outdir, ...files] = process.argv.slice(2);

/** `import.meta.url` and `dirname` keep naming the source, though the bundle runs from another folder of the repository. */
const sourceUrls = {
  name: 'source-urls',
  setup(plugins) {
    plugins.onLoad({ filter: /\.ts$/ }, ({ path }) => {
      const url = `new URL(${JSON.stringify(`../../../${relative(repository, path)}`)}, import.meta.url).href`;
      const directory = `decodeURI(new URL('.', ${url}).pathname)`;
      const contents = readFileSync(path, 'utf8')
        .replaceAll('import.meta.url', url)
        .replaceAll('import.meta.dirname', directory);
      return { contents, loader: 'ts' };
    });
  },
};

/** Test files of several folders have the same name, so that of the folder precedes it. */
function nameOf(file) {
  const name = basename(file, '.ts');
  return name.endsWith('.test') ? `${basename(dirname(file))}.${name}` : name;
}

await build({
  entryPoints: files.map((file) => ({ in: resolve(file), out: nameOf(resolve(file)) })),
  outdir,
  outExtension: { '.js': '.mjs' },
  bundle: true,
  platform: 'node',
  mainFields: ['module', 'main'],
  format: 'esm',
  target: 'node20',
  banner: {
    js: "import { createRequire as requireOfBundle } from 'node:module'; const require = requireOfBundle(import.meta.url);",
  },
  plugins: [sourceUrls],
  logLevel: 'warning',
});
