import { writeFileSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import type { Sandbox } from './sandbox.ts';

/**
 * The runtime of a sandbox as one file, as engines require. Unless `configFile` is undefined, it also saves the last
 * bundle's configuration, which is removed with the container.
 */
export function runtimeFile(sandbox: Sandbox, configFile: string | undefined): string {
  const [file = '', ...more] = sandbox.runtime.argv;
  if (configFile === undefined && more.length === 0 && isAbsolute(file)) return file;
  const path = join(sandbox.dir, 'runtime');
  const words = sandbox.runtime.argv.map((word) => `'${word}'`).join(' ');
  writeFileSync(
    path,
    `#!/bin/sh\nfor word; do\n\t[ "$last" != --bundle ] || cp "$word/config.json" ${configFile ?? '/dev/null'}\n\tlast=$word\ndone\nexec ${words} "$@"\n`,
    { mode: 0o755 },
  );
  return path;
}
