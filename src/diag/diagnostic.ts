/**
 * What a user can fix, as data. Rendering (text, JSON log record) and the step from JSON pointer to
 * line and column happen later, so that producing a diagnostic costs nothing on the good path.
 */
export interface Diagnostic {
  /** Stable identifier, dotted: `config.type`, `mount.source`, `state.exists`. */
  readonly code: string;
  /** One sentence: the action that failed, the object quoted, colon, the cause. Lower case, no full stop. */
  readonly message: string;
  /** JSON pointer (RFC 6901) into config.json of the value that asked for the failed action. */
  readonly pointer?: string;
  /** Where `pointer` stands, 1-based. Filled in only when a diagnostic is reported. */
  readonly location?: Location;
  /** Kernel's name of the error, such as `ENOENT`. */
  readonly errno?: string;
  /** System call that failed, as named in its man page. */
  readonly syscall?: string;
  /** The cure, when it is known. */
  readonly hint?: string;
}

export interface Location {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** One or more diagnostics that end the command. `prefix` is the phase, such as `create failed`. */
export class Failure extends Error {
  readonly diagnostics: readonly Diagnostic[];
  readonly exitCode: number;

  constructor(diagnostics: Diagnostic | readonly Diagnostic[], exitCode = 1) {
    const list = 'code' in diagnostics ? [diagnostics] : diagnostics;
    super(list.map((diagnostic) => diagnostic.message).join('\n'));
    this.name = 'Failure';
    this.diagnostics = list;
    this.exitCode = exitCode;
  }
}
