import { closeSync, openSync, readFileSync } from 'node:fs';
import { start } from './process.ts';
import type { Running } from './process.ts';
import { until } from './wait.ts';

interface DaemonOptions {
  readonly name: string;
  readonly argv: readonly string[];
  readonly env: Record<string, string>;
  /** File for its output, which is kept across restarts. */
  readonly log: string;
  /** Sends it a request. A rejection means that it does not answer. */
  readonly answers: () => Promise<boolean>;
}

/** A server that runs until it is stopped. */
export class Daemon {
  readonly #options: DaemonOptions;
  #running: Running | undefined;

  constructor(options: DaemonOptions) {
    this.#options = options;
  }

  /**
   * Starts it and waits until it answers.
   *
   * @throws if it ends instead, with the end of its log
   */
  async start(): Promise<void> {
    const { name, argv, env, log, answers } = this.#options;
    const file = openSync(log, 'a');
    const running = start(argv, { env, stdout: file, stderr: file, deadline: 600_000 });
    closeSync(file);
    this.#running = running;
    const seen = { end: false };
    void running.ended.catch(() => undefined).then(() => (seen.end = true));
    const answered = async (): Promise<boolean> => {
      if (seen.end) throw new Error(`${name} ended: ${readFileSync(log, 'utf8').slice(-4000)}`);
      return answers().catch(() => false);
    };
    await until(`${name} answers`, answered, 60_000);
  }

  /** Ends it and starts it again. */
  async restart(): Promise<void> {
    await this.end();
    await this.start();
  }

  /** Ends it, if it was started, and waits for its end. */
  async end(): Promise<void> {
    this.#running?.child.kill('SIGTERM');
    await this.#running?.ended.catch(() => undefined);
  }
}
