// Containers that are made in advance: a request has only to execute its program. Each is used once.
import { Sandbox } from 'rt';

const pool = Sandbox.pool({ rootfs: process.argv[2], args: ['/bin/sh'], size: 2 });
await pool.ready();
const requests = ['echo one', 'echo two', 'echo three'];
const results = await Promise.all(requests.map((script) => pool.run({ stdin: script })));
console.log(results.map(({ stdout }) => stdout.trim()).join(', '));
await pool.close();
