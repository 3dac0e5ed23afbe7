import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestConfig } from '../../harness/config.ts';
import { elfWithLoader } from '../../harness/elf.ts';
import type { Bundle } from '../../harness/sandbox.ts';
import type { Trigger } from '../trigger.ts';

/** A hook of the runtime namespace, which is `content` with `mode`. */
function hook(
  content: string | Buffer,
  { mode = 0o755, kind = 'createRuntime', timeout }: { mode?: number; kind?: string; timeout?: number } = {},
) {
  return (config: TestConfig, { dir }: Bundle): void => {
    const path = join(dir, 'hook');
    writeFileSync(path, content, { mode });
    config.hooks = { [kind]: [{ path, ...(timeout === undefined ? {} : { timeout }) }] };
  };
}

function path(name: string, kind = 'createRuntime') {
  return (config: TestConfig): void => {
    config.hooks = { [kind]: [{ path: name }] };
  };
}

const place = '/hooks/createRuntime/0';
const sh = (...lines: string[]): string => ['#!/bin/sh', 'cat >/dev/null', ...lines, ''].join('\n');

export const hooks: readonly Trigger[] = [
  {
    what: 'hook missing',
    make: path('/usr/bin/nvidia-hook'),
    says: [/\/usr\/bin\/nvidia-hook/, /no such file/i],
    place,
  },
  { what: 'hook relative', make: path('hook.sh'), says: [/hook\.sh/, /absolute/], place: `${place}/path` },
  {
    what: 'hook not executable',
    make: hook('#!/bin/sh\n', { mode: 0o644 }),
    says: [/hook"?:? .*permission denied/i, /0644|not executable/],
    place,
  },
  { what: 'hook is a directory', make: path('/usr/bin'), says: [/\/usr\/bin/, /is a directory/], place },
  {
    what: 'interpreter of the hook missing',
    make: hook('#!/usr/bin/python99\n'),
    says: [/hook/, /\/usr\/bin\/python99/],
    place,
  },
  {
    what: 'hook with CRLF',
    make: hook('#!/bin/sh\r\ntrue\r\n'),
    says: [/hook/, /\\r|windows/i],
    place,
    hint: /dos2unix/,
  },
  {
    what: 'loader of the hook missing',
    make: hook(elfWithLoader('/lib/ld-nosuch.so.1')),
    says: [/hook/, /\/lib\/ld-nosuch\.so\.1/],
    place,
  },
  { what: 'hook without #!', make: hook('exit 0\n'), says: [/exec format error/i, /#!/], place },
  { what: 'hook killed', make: hook(sh('kill -9 $$')), says: [/signal:? (9|killed)/], place },
  {
    what: 'hook runs past its timeout',
    make: hook(sh('echo waiting for network >&2', 'exec sleep 30 >/dev/null 2>&1'), { timeout: 1 }),
    says: [/timeout/, /waiting for network/],
    place,
  },
  {
    what: 'startContainer hook missing',
    make: path('/usr/bin/ldconfig-x', 'startContainer'),
    says: [/\/usr\/bin\/ldconfig-x/, /startContainer/, /no such file/i],
    place: '/hooks/startContainer/0',
  },
  {
    what: 'hook of create and start, with its place',
    make: path('/usr/bin/ldconfig-x', 'startContainer'),
    call: { state: 'created', words: ['start', 'ID'] },
    says: [/\/usr\/bin\/ldconfig-x/, /no such file/i],
    place: '/hooks/startContainer/0',
  },
  {
    what: 'createContainer hook fails',
    make: hook(sh('echo bad mount >&2', 'exit 1'), { kind: 'createContainer' }),
    says: [/bad mount/, /exit status 1/],
    place: '/hooks/createContainer/0',
  },
  {
    what: 'poststart hook fails',
    make: hook(sh('echo poststart broke >&2', 'exit 1'), { kind: 'poststart' }),
    says: [/poststart broke/, /exit status 1/],
    place: '/hooks/poststart/0',
  },
  {
    what: 'poststop hook fails',
    make: hook(sh('echo poststop broke >&2', 'exit 1'), { kind: 'poststop' }),
    says: [/poststop broke/, /exit status 1/],
  },
  {
    what: 'hook lacks a tool',
    make: hook(sh('nosuchtool')),
    says: [/nosuchtool/, /not found/, /exit status 127/],
    place,
  },
  { what: 'timeout 0', make: hook(sh(), { timeout: 0 }), says: [/timeout/, /\b[01]\b/], place: `${place}/timeout` },
  {
    what: 'hook writes 100 kB and fails',
    make: hook(
      sh(
        'i=0',
        'while [ $i -lt 4000 ]; do i=$((i+1)); echo "line $i of much output" >&2; done',
        'echo the cause >&2',
        'exit 1',
      ),
    ),
    says: [/the cause/, /line 39\d\d of much output\s*\n/],
    never: /\\u000a/,
    place,
  },
  {
    what: 'hook writes two lines',
    make: hook(sh('echo load library failed >&2', 'echo libnvidia-ml.so.1: cannot open >&2', 'exit 1')),
    says: [/load library failed/, /failed\s*\n\s*libnvidia/],
    never: /\\u000a/,
    place,
  },
  {
    what: 'folder of the hook may not be entered',
    make: (config, bundle) => {
      mkdirSync(join(bundle.dir, 'priv'));
      path(join(bundle.dir, 'priv/hook/x'))(config);
    },
    says: [/priv\/hook/, /no such file/i],
    place,
  },
];
