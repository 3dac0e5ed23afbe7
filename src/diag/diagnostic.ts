import type { Code } from '../../schema/errors.ts';

export type { Code };

/**
 * A problem that a user can fix, as data. Rendering (text, JSON log record) and the translation of a JSON pointer to
 * line and column happen later, so that diagnostics cost nothing on the success path.
 */
export interface Diagnostic {
  /** Stable identifier, dotted: `config.type`, `mount.source`, `state.exists`; docs/errors.md lists them. */
  readonly code: Code;
  /** One sentence: the action that failed, the object quoted, colon, the cause. Lower case, no full stop. */
  readonly message: string;
  /** The end of the message that another program wrote, in lines. */
  readonly output?: string;
  /** JSON pointer (RFC 6901) into config.json to the value that required the failed action. */
  readonly pointer?: string;
  /** Position of `pointer`, 1-based. Filled in only when a diagnostic is reported. */
  readonly location?: Location;
  /** The kernel's name of the error, such as `ENOENT`. */
  readonly errno?: string;
  /** The failed system call, as named in its man page. */
  readonly syscall?: string;
  /** The remedy, if known. */
  readonly hint?: string;
  /** What failed as a whole. */
  readonly phase?: Phase;
}

export type Phase = 'create' | 'start' | 'run' | 'exec' | 'checkpoint' | 'restore' | 'add mounts' | 'remove mounts';

export interface Location {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** One or more diagnostics that end the command. */
export class Failure extends Error {
  readonly diagnostics: readonly Diagnostic[];
  readonly exitCode: number;

  constructor(diagnostics: Diagnostic | readonly Diagnostic[], exitCode = 1) {
    const list = 'code' in diagnostics ? [diagnostics] : diagnostics;
    super(list.map(({ message, output = '' }) => message + output).join('\n'));
    this.name = 'Failure';
    this.diagnostics = list;
    this.exitCode = exitCode;
  }

  /** That of the first diagnostic. */
  get code(): Code | undefined {
    return this.diagnostics[0]?.code;
  }
}
