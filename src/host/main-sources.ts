/** rt on Node from source, for a debugger: node --import=tsx --inspect-brk src/host/main-sources.ts WORD... */
import { exit, start } from './main-node-program.ts';

exit(start(process.argv.slice(2)));
