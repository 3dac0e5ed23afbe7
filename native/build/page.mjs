// Makes build/page.html: one file with the page of src/page, which needs no server.
import { readFile, writeFile } from 'node:fs/promises';
import { build } from 'esbuild';

const { outputFiles } = await build({
  entryPoints: ['src/page/page.ts'],
  bundle: true,
  write: false,
  target: 'es2023',
  charset: 'utf8',
  format: 'iife',
  minify: true,
  legalComments: 'none',
  mainFields: ['module', 'main'],
  define: { RT_COMMIT: '""' },
});
const [template, style] = await Promise.all(
  ['page.html', 'page.css'].map((name) => readFile(`src/page/${name}`, 'utf8')),
);
// In a script element only "</script" would end the script; in the replacement "$" would be special.
const script = outputFiles[0].text.replaceAll('</script', '<\\/script');
await writeFile(
  'build/page.html',
  template.replace('/*style*/', () => style).replace('/*script*/', () => script),
);
