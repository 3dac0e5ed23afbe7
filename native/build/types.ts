// Writes build/types: the declarations of the package, which are src/index.ts and the types in its signatures.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import ts from 'typescript';

const out = resolve('build/types');
const entry = 'src/index.ts';

/** Text of each declaration file, by its path below `out`. */
function declarations(): ReadonlyMap<string, string> {
  const host: ts.ParseConfigFileHost = {
    ...ts.sys,
    onUnRecoverableConfigFileDiagnostic: (diagnostic) => {
      throw new Error(ts.flattenDiagnosticMessageText(diagnostic.messageText, '\n'));
    },
  };
  // `make check` checks the types.
  const own = { noCheck: true, noEmit: false, declaration: true, emitDeclarationOnly: true, outDir: out, rootDir: '.' };
  const options = ts.getParsedCommandLineOfConfigFile('tsconfig.json', own, host)?.options;
  if (options === undefined) throw new Error('cannot read tsconfig.json');
  const texts = new Map<string, string>();
  const program = ts.createProgram([entry], options);
  const { diagnostics } = program.emit(undefined, (path, text) => texts.set(relative(out, resolve(path)), text));
  if (diagnostics.length > 0) throw new Error(ts.formatDiagnostics(diagnostics, ts.createCompilerHost(options)));
  return texts;
}

/** The files that a file imports, as paths below `out`. */
function imports(path: string, text: string): string[] {
  return ts
    .preProcessFile(text)
    .importedFiles.map(({ fileName }) => fileName)
    .filter((name) => name.startsWith('.'))
    .map((name) => join(dirname(path), name).replace(/\.ts$/, '.d.ts'));
}

const texts = declarations();
const reached = new Set([entry.replace(/\.ts$/, '.d.ts')]);
for (const path of reached) {
  const text = texts.get(path);
  if (text === undefined) throw new Error(`no declarations of ${path}`);
  for (const other of imports(path, text)) reached.add(other);
}
rmSync(out, { recursive: true, force: true });
// Twice, since TypeScript takes a declaration for that of the kind of module that its package.json says.
for (const folder of ['', 'commonjs']) {
  for (const path of reached) {
    mkdirSync(dirname(join(out, folder, path)), { recursive: true });
    writeFileSync(join(out, folder, path), texts.get(path) ?? '');
  }
}
writeFileSync(join(out, 'commonjs', 'package.json'), '{ "type": "commonjs" }\n');
