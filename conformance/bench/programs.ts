/** Compiles the programs of this directory for a virtual machine, which has no compiler. usage: programs.ts amd64|arm64 */
import { targetOf } from '../harness/compiler.ts';
import { FLOOR, compile } from './measure.ts';

const target = targetOf(process.argv[2] === 'arm64' ? 'arm64' : 'amd64');
for (const name of [FLOOR, 'spawn', 'parallel', 'schedule']) compile(name, target);
