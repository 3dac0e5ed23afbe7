// A shell on a terminal, over a socket: what a web terminal or `ssh` needs. Here the client is a few lines that type.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { AsyncRuntime, Sandbox } from 'rt';

const directory = await mkdtemp(join(tmpdir(), 'rt-example-'));
const { config } = new Sandbox({ rootfs: process.argv[2], args: ['/bin/sh'] });
config.process.terminal = true;
config.process.consoleSize = { height: 24, width: 80 };
await writeFile(join(directory, 'config.json'), JSON.stringify(config));

const server = createServer(async (socket) => {
  const shell = await new AsyncRuntime().run('example-terminal', { bundle: directory, stdin: 'pipe' });
  shell.resize(30, 100);
  socket.pipe(shell.terminal()).pipe(socket);
});
server.listen(join(directory, 'socket'));
const client = connect(join(directory, 'socket'));
client.write('echo "this is $((6 * 7))"; exit\n');
const shown = await text(client);
console.log(shown.includes('this is 42') ? 'the shell has answered' : shown);
server.close();
await rm(directory, { recursive: true });
