// Writes docs/cli.md: tsx native/build/manual.ts
import { writeFileSync } from 'node:fs';
import { manual } from '../../src/cli/manual.ts';

writeFileSync('docs/cli.md', manual());
