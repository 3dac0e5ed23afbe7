import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import ts from 'typescript';

/** A file with one change to a list of operations. */
export interface Change {
  /** Absolute. */
  readonly file: string;
  readonly line: number;
  readonly what: string;
  readonly text: string;
}

/** Every change to the lists of operations in these files. */
export function changesOf(files: readonly string[], configFile: string): Change[] {
  const read = (name: string): string => readFileSync(name, 'utf8');
  const { config } = ts.readConfigFile(configFile, read) as { config: unknown };
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, dirname(configFile));
  const program = ts.createProgram(files, options);
  const checker = program.getTypeChecker();
  return files.flatMap((file) => {
    const source = program.getSourceFile(file);
    if (source === undefined) throw new Error(`${file} is not part of the program`);
    return new Changer(source, checker).changes();
  });
}

class Changer {
  private readonly found: Change[] = [];
  private readonly source: ts.SourceFile;
  private readonly checker: ts.TypeChecker;

  constructor(source: ts.SourceFile, checker: ts.TypeChecker) {
    this.source = source;
    this.checker = checker;
  }

  changes(): Change[] {
    this.visit(this.source);
    return this.found;
  }

  private visit(node: ts.Node): void {
    if (ts.isArrayLiteralExpression(node) && node.elements.some((one) => this.isOperations(one))) {
      this.changeList(node.elements);
    }
    if (ts.isCallExpression(node)) {
      if (this.isPush(node)) this.changeList(node.arguments);
      else if (this.isMap(node)) this.changeMap(node);
    }
    if (ts.isBlock(node) || ts.isSourceFile(node) || ts.isCaseClause(node)) this.changeStatements(node.statements);
    if (ts.isForOfStatement(node) && this.adds(node.statement)) {
      const { expression } = node;
      this.add(node, 'the loop backwards', expression, `[...(${expression.getText()})].reverse()`);
    }
    ts.forEachChild(node, (child) => this.visit(child));
  }

  /** Drops each element, and swaps each two neighbours. */
  private changeList(elements: ts.NodeArray<ts.Expression>): void {
    elements.forEach((element, index) => {
      const next = elements[index + 1];
      const end = next?.getStart() ?? elements.end;
      const comma = this.source.text.slice(element.getEnd(), end).indexOf(',');
      const span = { start: element.getStart(), end: comma < 0 ? element.getEnd() : element.getEnd() + comma + 1 };
      this.add(element, `without ${firstLine(element)}`, span, '');
      if (next !== undefined) this.exchange(element, next);
    });
  }

  /** Statements that each add to a list; lists of arguments are changed there. */
  private changeStatements(statements: ts.NodeArray<ts.Statement>): void {
    statements.forEach((statement, index) => {
      if (!this.adds(statement)) return;
      if (this.isWrite(statement)) this.add(statement, `without ${firstLine(statement)}`, statement, ';');
      const next = statements[index + 1];
      if (next !== undefined && this.adds(next) && this.share(statement, next)) this.exchange(statement, next);
    });
  }

  private changeMap(node: ts.CallExpression): void {
    this.add(node, `without the first of ${firstLine(node)}`, node, `(${node.getText()}).slice(1)`);
    this.add(node, `backwards ${firstLine(node)}`, node, `[...${node.getText()}].reverse()`);
  }

  private exchange(one: ts.Node, next: ts.Node): void {
    const between = this.source.text.slice(one.getEnd(), next.getStart());
    const span = { start: one.getStart(), end: next.getEnd() };
    this.add(one, `${firstLine(one)} after ${firstLine(next)}`, span, `${next.getText()}${between}${one.getText()}`);
  }

  private add(at: ts.Node, what: string, span: ts.Node | { start: number; end: number }, by: string): void {
    const [start, end] = 'start' in span ? [span.start, span.end] : [span.getStart(), span.getEnd()];
    this.found.push({
      file: this.source.fileName,
      line: this.source.getLineAndCharacterOfPosition(at.getStart()).line + 1,
      what,
      text: this.source.text.slice(0, start) + by + this.source.text.slice(end),
    });
  }

  /** An operation, or a spread list of operations. */
  private isOperations(node: ts.Expression): boolean {
    if (!ts.isSpreadElement(node)) return isOperation(this.checker.getTypeAtLocation(node));
    return this.isList(node.expression);
  }

  private isList(node: ts.Expression): boolean {
    const type = this.checker.getTypeAtLocation(node);
    return (type.isUnion() ? type.types : [type]).some((one) => {
      const element = this.checker.getIndexTypeOfType(one, ts.IndexKind.Number);
      return element !== undefined && isOperation(element);
    });
  }

  private isPush(node: ts.CallExpression): boolean {
    return methodOf(node) === 'push' && node.arguments.some((one) => this.isOperations(one));
  }

  /** Not one that is spread into a list, where it is an element. */
  private isMap(node: ts.CallExpression): boolean {
    const method = methodOf(node);
    return (method === 'map' || method === 'flatMap' || method === 'filter') && this.isList(node);
  }

  /** A call that adds to the limits. */
  private isWrite(node: ts.Node): boolean {
    if (!ts.isExpressionStatement(node) || !ts.isCallExpression(node.expression)) return false;
    const { expression: callee, arguments: given } = node.expression;
    const isWriter = (one: ts.Expression): boolean => isNamed(this.checker.getTypeAtLocation(one), 'LimitWriter');
    if (given.some(isWriter)) return true;
    if (ts.isPropertyAccessExpression(callee)) {
      const owned = isWriter(callee.expression) || callee.expression.kind === ts.SyntaxKind.ThisKeyword;
      return owned && /^(?:write|several)/.test(callee.name.text);
    }
    return ts.isIdentifier(callee) && /^(?:write|first)$/.test(callee.text);
  }

  /** Whether two statements add to the same list: the order of others is irrelevant. */
  private share(one: ts.Node, other: ts.Node): boolean {
    const lists = this.listsOf(one);
    return [...this.listsOf(other)].some((list) => lists.has(list));
  }

  private listsOf(node: ts.Node): Set<string> {
    const found = new Set<string>();
    const look = (inner: ts.Node): void => {
      if (ts.isCallExpression(inner) && this.isPush(inner) && ts.isPropertyAccessExpression(inner.expression)) {
        found.add(inner.expression.expression.getText());
      }
      if (this.isWrite(inner)) found.add('limits');
      ts.forEachChild(inner, look);
    };
    look(node);
    return found;
  }

  /** Whether a statement adds to a list under any condition; declarations cannot be moved. */
  private adds(node: ts.Node): boolean {
    if (ts.isVariableStatement(node) || ts.isFunctionDeclaration(node) || ts.isClassDeclaration(node)) return false;
    if (ts.isReturnStatement(node)) return false;
    const holds = (inner: ts.Node): boolean =>
      (ts.isCallExpression(inner) && this.isPush(inner)) ||
      this.isWrite(inner) ||
      ts.forEachChild(inner, (child) => holds(child) || undefined) === true;
    return holds(node);
  }
}

/** An operation of a plan, or a setting that becomes one. */
function isOperation(type: ts.Type): boolean {
  return (type.isUnion() ? type.types : [type]).some((one) => {
    const has = (name: string): boolean => one.getProperty(name) !== undefined;
    return has('from') && (has('op') || (has('file') && has('data')));
  });
}

function isNamed(type: ts.Type, name: string): boolean {
  return type.getSymbol()?.getName() === name;
}

function methodOf({ expression }: ts.CallExpression): string | undefined {
  return ts.isPropertyAccessExpression(expression) ? expression.name.text : undefined;
}

function firstLine(node: ts.Node): string {
  return node.getText().split('\n')[0]?.trim() ?? '';
}
