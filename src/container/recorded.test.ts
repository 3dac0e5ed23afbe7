import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import type { Test } from 'tap';
import type { LinuxSeccomp } from '../../schema/generated/config.ts';
import { loadNative } from '../host/node.ts';
import { AUDIT_ARCH_I386, AUDIT_ARCH_X86_64, SECCOMP_RET, X32_SYSCALL_BIT } from '../kernel/seccomp.ts';
import { Watch } from '../launch/watch.ts';
import { checkSeccomp } from '../plan/seccomp/compile.ts';
import { recordCalls } from './recorded.ts';

class Recording {
  readonly dir: string;
  readonly finish: () => string[];
  private readonly watch: Watch;
  private readonly native = loadNative();

  constructor(t: Test) {
    this.dir = mkdtempSync(join(tmpdir(), 'rt-recorded-'));
    t.teardown(() => rmSync(this.dir, { recursive: true }));
    mkdirSync(join(this.dir, 'parent'));
    const profile = checkSeccomp({ defaultAction: 'SCMP_ACT_ALLOW' }, { nativeArch: 'x86_64', diagnostics: [] });
    if (profile === undefined) throw new Error('no filter');
    this.watch = new Watch(this.native, profile.watched('every'));
    this.finish = this.record('profile.json');
  }

  record(name: string): () => string[] {
    const end = recordCalls(this.native, this.watch, join(this.dir, 'parent', name), true);
    return () => end().map(({ message }) => message);
  }

  /** `name`: '' if no kernel has the number. */
  call(audit: number, number: number, name: string): void {
    const own = audit === AUDIT_ARCH_X86_64 && number < X32_SYSCALL_BIT;
    const otherwise = { action: SECCOMP_RET.ALLOW, pointer: '' };
    const call = { name, rules: [], otherwise, newer: false, wide: false };
    this.watch.onAllowed?.({ ...otherwise, audit, number, own, call }, () => {
      throw new Error('looked at');
    });
  }

  get profile(): LinuxSeccomp {
    return JSON.parse(readFileSync(join(this.dir, 'parent', 'profile.json'), 'utf8')) as LinuxSeccomp;
  }
}

t.test('recordCalls: calls without a name are reported in one line, however many there are', async (t) => {
  const one = new Recording(t);
  for (let times = 0; times < 3; times++) one.call(AUDIT_ARCH_X86_64, 5000, '');
  t.strictSame(one.finish(), [
    '--record-seccomp: calls that have no name, which the profile cannot allow, were made: 5000',
  ]);
  const many = new Recording(t);
  for (let number = 1000; number < 31_000; number++) many.call(AUDIT_ARCH_X86_64, number, '');
  const told = many.finish();
  t.equal(told.length, 1);
  t.match(told[0], /: 1000, 1001, [\d, ]*1015, and others, 29984 times$/);
});

t.test('recordCalls: an architecture is added for a call with a name only, and what that allows is told', async (t) => {
  const unnamed = new Recording(t);
  unnamed.call(AUDIT_ARCH_X86_64, 0, 'read');
  unnamed.call(AUDIT_ARCH_X86_64, X32_SYSCALL_BIT + 5000, '');
  unnamed.call(AUDIT_ARCH_I386, 5000, '');
  t.equal(unnamed.finish().length, 1);
  t.strictSame(unnamed.profile.architectures, ['SCMP_ARCH_X86_64']);
  const named = new Recording(t);
  named.call(AUDIT_ARCH_X86_64, 0, 'read');
  named.call(AUDIT_ARCH_I386, 3, 'read');
  named.call(AUDIT_ARCH_I386, 4, 'write');
  t.strictSame(named.finish(), [
    '--record-seccomp: calls of SCMP_ARCH_X86 were made: the profile now allows all its names there, too, as it cannot tell which were',
  ]);
  t.strictSame(named.profile.architectures, ['SCMP_ARCH_X86', 'SCMP_ARCH_X86_64']);
});

t.test('recordCalls: the file is written where its directory was at the start', async (t) => {
  const recording = new Recording(t);
  const at = (name: string): string => join(recording.dir, name);
  t.ok(existsSync(at('parent/profile.json')));
  mkdirSync(at('elsewhere'));
  renameSync(at('parent'), at('moved'));
  symlinkSync(at('elsewhere'), at('parent'));
  recording.call(AUDIT_ARCH_X86_64, 0, 'read');
  t.strictSame(recording.finish(), []);
  t.strictSame(readdirSync(at('elsewhere')), []);
  t.strictSame(readdirSync(at('moved')), ['profile.json']);
  t.match(readFileSync(at('moved/profile.json'), 'utf8'), /"read"/);
});

t.test('recordCalls: what is no profile, or a link, is refused, and nothing is left open', async (t) => {
  const descriptors = (): number => readdirSync('/proc/self/fd').length;
  const before = descriptors();
  const recording = new Recording(t);
  recording.finish();
  symlinkSync('profile.json', join(recording.dir, 'parent', 'link.json'));
  t.throws(() => recording.record('link.json'), { message: /cannot read ".*link\.json": .*symbolic link/ });
  for (const text of ['xyz', 'null', '7', '"text"', '{"syscalls": 7}', '[]', '{}']) {
    writeFileSync(join(recording.dir, 'parent', 'other.json'), text);
    t.throws(() => recording.record('other.json'), { message: /other\.json" is no seccomp profile/ }, text);
  }
  for (const text of ['', '\n ']) {
    writeFileSync(join(recording.dir, 'parent', 'other.json'), text);
    t.throws(() => recording.record('other.json'), { message: /other\.json" is empty/ });
  }
  t.throws(() => recording.record('none/x.json'), { message: /cannot write ".*x\.json": no such/ });
  t.equal(descriptors(), before);
});
