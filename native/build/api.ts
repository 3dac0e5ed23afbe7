/** Writes docs/api.md: the exports of the package, from their declarations and docstrings in src/index.ts. */
import { writeFileSync } from 'node:fs';
import { format } from 'prettier';
import ts from 'typescript';

const entry = 'src/index.ts';
/** Types that a schema or a table in docs describes. */
const elsewhere: Readonly<Record<string, string>> = {
  Config: 'config.json of the runtime specification: schema/config.schema.json.',
  LinuxResources: '`linux.resources` of the runtime specification: schema/config.schema.json.',
  Mount: 'An entry of `mounts` of the runtime specification: schema/config.schema.json.',
  Features: 'The document of features.md of the runtime specification: schema/features.schema.json.',
  Plan: 'What `create` would do, as operations: [ops.md](ops.md).',
};

const parsed = ts.getParsedCommandLineOfConfigFile(
  'tsconfig.json',
  { noEmit: true },
  {
    ...ts.sys,
    onUnRecoverableConfigFileDiagnostic: (diagnostic) => {
      throw new Error(ts.flattenDiagnosticMessageText(diagnostic.messageText, '\n'));
    },
  },
);
if (parsed === undefined) throw new Error('cannot read tsconfig.json');
const program = ts.createProgram([entry], parsed.options);
const checker = program.getTypeChecker();
const source = program.getSourceFile(entry);
const file = source === undefined ? undefined : checker.getSymbolAtLocation(source);
if (file === undefined) throw new Error(`cannot read ${entry}`);

const exported = checker.getExportsOfModule(file).map((symbol) => ({
  name: symbol.name,
  declaration: declarationOf(symbol),
}));
const missing: string[] = [];
const sections = (['class', 'function', 'type'] as const).map((kind) => {
  const titles = { class: 'Classes', function: 'Functions', type: 'Types' };
  const own = exported.filter(({ declaration }) => kindOf(declaration) === kind);
  const texts = own
    .sort((one, other) => (one.name < other.name ? -1 : 1))
    .map(({ name, declaration }) => section(name, declaration));
  return `## ${titles[kind]}\n\n${texts.join('\n\n')}`;
});
if (missing.length > 0) throw new Error(`no docstring: ${missing.join(', ')}`);
const text = `# API of the Node package

Generated from the docstrings of src/index.ts and what it exports by native/build/api.ts; do not edit.

    import { AsyncRuntime, Sandbox } from 'rt';

[sandbox.md](sandbox.md) describes sandboxes, [errors.md](errors.md) the codes of a \`Failure\`, and
[examples](../examples/README.md) has short programs. Members of a type that may be missing are marked with \`?\`.

${sections.join('\n\n')}
`;
writeFileSync('docs/api.md', await format(text, { parser: 'markdown', printWidth: 120 }));

function declarationOf(symbol: ts.Symbol): ts.Declaration {
  const resolved = (symbol.flags & ts.SymbolFlags.Alias) === 0 ? symbol : checker.getAliasedSymbol(symbol);
  const declaration = resolved.declarations?.[0];
  if (declaration === undefined) throw new Error(`no declaration of ${symbol.name}`);
  return declaration;
}

function kindOf(node: ts.Declaration): 'class' | 'function' | 'type' {
  if (ts.isClassDeclaration(node)) return 'class';
  return ts.isFunctionDeclaration(node) ? 'function' : 'type';
}

function section(name: string, node: ts.Declaration): string {
  const outside = elsewhere[name];
  if (outside !== undefined) return `### ${name}\n\n${outside}`;
  const doc = docOf(node, name);
  if (ts.isClassDeclaration(node) || ts.isInterfaceDeclaration(node)) {
    const heritage = (node.heritageClauses ?? []).map((clause) => ` ${clause.getText()}`).join('');
    const extended = heritage === '' ? '' : `\n\n\`${name}${heritage}\``;
    const members: readonly ts.ClassElement[] | readonly ts.TypeElement[] = node.members;
    const shown = members.filter(isPublic).map((member) => item(name, member));
    return `### ${name}\n\n${doc}${extended}\n\n${shown.join('\n')}`;
  }
  return `### ${name}\n\n${doc}\n\n\`\`\`ts\n${signature(node)}\n\`\`\``;
}

function isPublic(member: ts.ClassElement | ts.TypeElement): boolean {
  const hidden = ts.canHaveModifiers(member) && (ts.getCombinedModifierFlags(member) & ts.ModifierFlags.Private) !== 0;
  return !hidden && !(member.name !== undefined && ts.isPrivateIdentifier(member.name));
}

/** A constructor, and a member whose name and type say all, need no docstring. */
function item(owner: string, member: ts.ClassElement | ts.TypeElement): string {
  const needs = ts.isMethodDeclaration(member) || ts.isMethodSignature(member);
  const doc = docOf(member, needs ? `${owner}.${member.name.getText()}` : undefined);
  return `- \`${signature(member)}\`${doc === '' ? '' : `: ${doc.replaceAll('\n', ' ')}`}`;
}

/** The declaration without its body, in one line; a type in as many as it has. */
function signature(node: ts.Declaration): string {
  const body = 'body' in node ? (node.body as ts.Node | undefined) : undefined;
  const text = node.getText();
  const end = body === undefined ? text.length : body.getStart() - node.getStart();
  const head = text
    .slice(0, end)
    .replace(/^(export|readonly|async|get) /g, '')
    .trim();
  if (ts.isTypeAliasDeclaration(node)) return head.replace(/^export /, '');
  if (ts.isGetAccessorDeclaration(node)) return head.replace('()', '');
  return head
    .replaceAll(/\breadonly (?=\w+\??:)/g, '')
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/(?<=\() | (?=\))|,(?= ?\))/g, '')
    .replaceAll(/\basync (?=\w+\()|^get |;$/g, '');
}

function docOf(node: ts.Declaration, name: string | undefined): string {
  const docs = ts.getJSDocCommentsAndTags(node).filter((one) => ts.isJSDoc(one));
  const text = docs.map((doc) => ts.getTextOfJSDocComment(doc.comment) ?? '').join('\n');
  if (text === '' && name !== undefined) missing.push(name);
  return text;
}
