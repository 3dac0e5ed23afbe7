import { main } from '../cli/main.ts';
import { loadNative } from './node.ts';

process.exit(main(process.argv.slice(2), loadNative()));
