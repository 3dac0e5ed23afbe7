// Everything that is wrong with a config, with line and column.
import { validate } from 'rt';

const text = `{
  "ociVersion": "1.3.0",
  "root": { "path": "rootfs", "readOnly": true },
  "process": { "cwd": "tmp", "args": ["sh"] }
}`;
const { faults, ineffective } = validate(text);
for (const { message, location, hint } of [...faults, ...ineffective]) {
  console.log(`${location.line}:${location.column} ${message}${hint === undefined ? '' : ` (${hint})`}`);
}
