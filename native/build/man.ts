// Writes the man pages, dated SOURCE_DATE_EPOCH: tsx native/build/man.ts DIRECTORY [PROGRAM]
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { manPages } from '../../src/cli/man.ts';

const [directory = 'build/man', program] = process.argv.slice(2);
const date = new Date(Number(process.env['SOURCE_DATE_EPOCH']) * 1000).toISOString().slice(0, 10);
mkdirSync(directory, { recursive: true });
for (const [name, text] of manPages(date, program)) writeFileSync(join(directory, name), text);
