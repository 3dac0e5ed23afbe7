import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Sandbox } from './sandbox.ts';

/** Whether the kernel's file of a security module exists and begins with the text. */
export function isOn(path: string, word: string): boolean {
  try {
    return readFileSync(path, 'utf8').startsWith(word);
  } catch {
    return false;
  }
}

export const hasApparmor = isOn('/sys/module/apparmor/parameters/enabled', 'Y');
export const canLoadProfiles = hasApparmor && spawnSync('apparmor_parser', ['--version']).status === 0;

/** Loads a profile that allows everything except one file, under a unique name, for the duration of `body`. */
export async function withProfile(rt: Sandbox, body: (profile: string) => Promise<void>): Promise<void> {
  const profile = `${rt.prefix}profile`;
  const file = join(rt.dir, 'profile');
  const flags = 'flags=(attach_disconnected,mediate_deleted)';
  const rules = 'capability, file, mount, umount, pivot_root, network, signal, ptrace, unix, deny /secret rw,';
  writeFileSync(file, `profile ${profile} ${flags} {\n${rules}\n}\n`);
  const load = spawnSync('apparmor_parser', ['--replace', '--skip-cache', file], { encoding: 'utf8' });
  if (load.status !== 0) throw new Error(load.stderr);
  try {
    await body(profile);
  } finally {
    spawnSync('apparmor_parser', ['--remove', file]);
  }
}
