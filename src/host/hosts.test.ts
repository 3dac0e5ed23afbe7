import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import t from 'tap';
import { PT_INTERP } from '../kernel/elf.ts';

const hosts = { binary: ['build/rt'], node: [process.execPath, 'build/node/rt.js'] } as const;
const directory = mkdtempSync('/tmp/rt-hosts-');
t.teardown(() => {
  rmSync(directory, { recursive: true });
});
writeFileSync(`${directory}/config.json`, '{\n  "ociVersion": "1.2.0",\n  "hostname": 5, "größe": "🐳"\n}\n');

interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function outcome(host: keyof typeof hosts, words: readonly string[], env: NodeJS.ProcessEnv = {}): Outcome {
  const [command, ...before] = hosts[host];
  const { status, stdout, stderr } = spawnSync(command, [...before, ...words], { encoding: 'utf8', env });
  return { status, stdout, stderr };
}

const commandLines = [
  ['--version'],
  ['--help'],
  ['create', '--help'],
  ['no-such-command'],
  ['--no-such-option'],
  ['state', 'größe 🐳'],
  ['--root', directory, 'state', 'none'],
  ['--root', directory, 'list'],
  ['validate', '--bundle', directory],
  ['validate', '--bundle', `${directory}/none`],
  ['--log-format', 'json', 'validate', '--bundle', directory],
];

for (const words of commandLines) {
  t.test(`both hosts behave the same: rt ${words.join(' ')}`, async (t) => {
    const binary = outcome('binary', words);
    // A log record contains the time of day.
    const timeless = (result: Outcome): Outcome => ({
      ...result,
      stderr: result.stderr.replace(/"time":"[^"]*"/g, '"time":"now"'),
    });
    t.same(timeless(binary), timeless(outcome('node', words)));
    t.notMatch(binary.stderr, /internal error/);
    t.not(binary.stdout + binary.stderr, '');
  });
}

t.test('the binary is at most 4.3 MB and has no interpreter, so it is static', async (t) => {
  const binary = readFileSync('build/rt');
  t.ok(binary.length <= 4_300_000, `${binary.length} bytes`);
  const start = Number(binary.readBigUInt64LE(32));
  const size = binary.readUInt16LE(54);
  const types = Array.from({ length: binary.readUInt16LE(56) }, (_, index) =>
    binary.readUInt32LE(start + index * size),
  );
  t.notOk(types.includes(PT_INTERP));
});
