import { createHash } from 'node:crypto';
import { existsSync, lstatSync, readdirSync, readFileSync, readlinkSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execFileSync } from 'node:child_process';
import { cgroupsWithPrefix, removeCgroup } from './cgroup.ts';
import { parseMountinfo } from './mountinfo.ts';
import type { Mount } from './mountinfo.ts';
import type { Sandbox } from './sandbox.ts';
import { until } from './wait.ts';

/** Settings of the host that no container may change. */
const SETTINGS = ['/proc/sys/kernel/core_pattern', '/proc/sys/kernel/hostname', '/proc/sys/kernel/domainname'];

/** State of the host outside the sandbox, taken before a case. */
export interface Snapshot {
  readonly processes: ReadonlySet<string>;
  readonly mounts: ReadonlySet<string>;
  readonly settings: readonly string[];
  readonly devNull: string;
}

export function takeSnapshot(): Snapshot {
  return {
    processes: new Set(readdirSync('/proc')),
    mounts: new Set(mountLines()),
    settings: readSettings(),
    devNull: devNullOwner(),
  };
}

/**
 * Everything that a finished case left on the host, one line each; empty if clean.
 *
 * Cases of other files may run at the same time: their mounts are recognized by their sandbox's directory.
 */
export function leftovers(sandbox: Sandbox, before: Snapshot): string[] {
  const found = [
    ...sandboxProcesses(sandbox, before).map((pid) => `process ${pid}: ${commandLine(pid)}`),
    ...newMounts(sandbox, before).map((line) => `mount ${line}`),
    ...cgroupsWithPrefix(sandbox.prefix).map((path) => `cgroup ${path}`),
    ...stateEntries(sandbox).map((name) => `state ${name}`),
    ...temporaryFiles(sandbox).map((path) => `file ${path}`),
  ];
  readSettings().forEach((value, index) => {
    if (value !== before.settings[index]) found.push(`host changed: ${SETTINGS[index]} is ${value}`);
  });
  // crun gives it to the user of the container; its runs have a private node (own-null.sh).
  if (sandbox.runtime.ours && devNullOwner() !== before.devNull)
    found.push(`host changed: /dev/null is ${devNullOwner()}`);
  // runc mounts cgroup2 in the cgroup namespace of the host, which resets the options of all mounts of the hierarchy.
  if (sandbox.runtime.ours) found.push(...changedMounts(before).map(({ line }) => `host changed: mount ${line}`));
  return found;
}

/** Ends and removes the leftovers of a failed case, so that the next one starts clean. */
export async function cleanUp(sandbox: Sandbox, before: Snapshot): Promise<void> {
  for (const pid of sandboxProcesses(sandbox, before)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It ended between being found and being killed.
    }
  }
  for (const line of newMounts(sandbox, before).reverse()) {
    const target = parseMountinfo(line)[0]?.target;
    if (target !== undefined) execFileSync('umount', ['--lazy', target], { stdio: 'ignore' });
  }
  restoreMounts(before);
  readSettings().forEach((value, index) => {
    const [path, wanted] = [SETTINGS[index], before.settings[index]];
    if (value !== wanted && path !== undefined && wanted !== undefined) writeFileSync(path, wanted);
  });
  await until('the cgroups are gone', () => {
    for (const path of cgroupsWithPrefix(sandbox.prefix)) {
      try {
        removeCgroup(path);
      } catch {
        // The killed processes may still be in it: retry until the deadline.
        return false;
      }
    }
    return true;
  }).catch(() => undefined);
}

/** Gives mounts of the host their options back, which peers may change. */
export function restoreMounts(before: Snapshot): void {
  for (const { mount } of changedMounts(before)) {
    const options = ['remount', ...mount.options, ...mount.superOptions].join();
    execFileSync('mount', ['--options', options, mount.target], { stdio: 'ignore' });
  }
}

/** Mounts of the host from before the case, as they were, whose line is another one now. */
function changedMounts(before: Snapshot): { mount: Mount; line: string }[] {
  const lines = new Map(mountLines().map((line) => [placeOf(line), line]));
  return [...before.mounts].flatMap((old) => {
    const line = lines.get(placeOf(old));
    // A case of another file may be changing a mount of its own sandbox.
    if (line === undefined || line === old || isOfSandbox(old)) return [];
    return parseMountinfo(old).map((mount) => ({ mount, line }));
  });
}

/** Whether a line of mountinfo is about a mount in the directory of some case. */
function isOfSandbox(line: string): boolean {
  return line.includes('/rt-e2e-');
}

/** What stays the same as long as a mount exists: its numbers, root and target. */
function placeOf(line: string): string {
  return line.split(' ').slice(0, 5).join(' ');
}

function mountLines(): string[] {
  return readFileSync('/proc/self/mountinfo', 'utf8').trimEnd().split('\n');
}

function newMounts(sandbox: Sandbox, before: Snapshot): string[] {
  const places = new Set([...before.mounts].map(placeOf));
  return mountLines().filter(
    (line) => !places.has(placeOf(line)) && (line.includes(sandbox.dir) || !isOfSandbox(line)),
  );
}

function readQuietly(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** Processes of the sandbox, all of them started after the snapshot: by cgroup, environment, command line, or root. */
function sandboxProcesses(sandbox: Sandbox, before: Snapshot): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && !before.processes.has(name))
    .filter((pid) => {
      const status = readQuietly(`/proc/${pid}/stat`);
      const fields = status.slice(status.lastIndexOf(')') + 2).split(' ');
      // One whose first thread alone has ended is a zombie with threads (proc_pid_stat(5), num_threads).
      const threads = Number(fields[20 - 3]);
      if (status === '' || ((fields[0] === 'Z' || fields[0] === 'X') && threads <= 1)) return false;
      return (
        readQuietly(`/proc/${pid}/cgroup`).includes(sandbox.prefix) ||
        readQuietly(`/proc/${pid}/environ`).includes(sandbox.dir) ||
        readQuietly(`/proc/${pid}/cmdline`).includes(sandbox.dir) ||
        parseMountinfo(readQuietly(`/proc/${pid}/mountinfo`)).some(
          (mount) => mount.target === '/' && mount.root.includes(sandbox.dir),
        )
      );
    })
    .map(Number);
}

function commandLine(pid: number): string {
  return readQuietly(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim();
}

function stateEntries(sandbox: Sandbox): string[] {
  if (!existsSync(sandbox.root)) return [];
  // crun keeps an empty directory in its state root for masking.
  return readdirSync(sandbox.root).filter((name) => name !== '.empty-directory');
}

/** Hidden files in the sandbox (half-written pid or config files) and files elsewhere that carry its names. */
function temporaryFiles(sandbox: Sandbox): string[] {
  const hidden = readdirSync(sandbox.dir, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() && entry.name.startsWith('bundle-')
      ? readdirSync(join(sandbox.dir, entry.name))
          .filter((name) => name.startsWith('.'))
          .map((name) => join(sandbox.dir, entry.name, name))
      : entry.name.startsWith('.')
        ? [join(sandbox.dir, entry.name)]
        : [],
  );
  const elsewhere = ['/tmp', '/run', '/dev/shm'].flatMap((dir) =>
    readdirSync(dir)
      .filter((name) => name.includes(sandbox.prefix))
      .map((name) => join(dir, name)),
  );
  return [...hidden, ...elsewhere];
}

function readSettings(): string[] {
  return SETTINGS.map((path) => readFileSync(path, 'utf8').trim());
}

function devNullOwner(): string {
  const { uid, mode } = statSync('/dev/null');
  return `${uid} ${mode.toString(8)}`;
}

/**
 * Digest of a tree: names, types, owners, modes, link targets and contents. Equal digests mean that nothing changed.
 */
export function digest(path: string): string {
  const hash = createHash('sha256');
  const visit = (current: string): void => {
    const stat = lstatSync(current);
    hash.update(`${current.slice(path.length)} ${stat.mode} ${stat.uid} ${stat.gid} ${stat.rdev} ${stat.mtimeMs}\0`);
    if (stat.isSymbolicLink()) hash.update(readlinkSync(current));
    else if (stat.isFile()) hash.update(readFileSync(current));
    else if (stat.isDirectory()) for (const name of readdirSync(current).sort()) visit(join(current, name));
  };
  visit(path);
  return hash.digest('hex');
}
