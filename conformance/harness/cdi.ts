import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Sandbox } from './sandbox.ts';

/** The directory of specifications that is emptied at boot: engines read no other but /etc/cdi. */
const DIRECTORY = '/run/cdi';

/** The name by which engines and annotations ask for the device. */
export const CDI_DEVICE = 'vendor.example/class=one';

/** A device with everything that a GPU's specification has: nodes, a library, a variable, and a hook. */
export interface CdiDevice {
  /** Directory with the specification. */
  readonly directory: string;
  remove(): void;
}

/**
 * Describes a device of the Container Device Interface: /dev/vendor0 is a zero device, /opt/vendor/library is read-only,
 * VENDOR is set, and a createContainer hook makes the link /vendor-link in the root filesystem.
 */
export function makeCdiDevice(rt: Sandbox): CdiDevice {
  const library = join(rt.dir, 'library');
  writeFileSync(library, 'library\n');
  mkdirSync(DIRECTORY, { recursive: true });
  const file = join(DIRECTORY, `${rt.prefix}vendor.json`);
  // As NVIDIA's hooks do: from the state to the bundle, and from its config to the root filesystem.
  const script = `bundle=$(sed 's/.*"bundle": *"\\([^"]*\\)".*/\\1/')
cd "$bundle" && root=$(sed -n 's/.*"root": *{[^}]*"path": *"\\([^"]*\\)".*/\\1/p' config.json) && ln -s /opt/vendor "$root/vendor-link"`;
  const edits = {
    env: ['VENDOR=one'],
    deviceNodes: [{ path: '/dev/vendor0', type: 'c', major: 1, minor: 5, fileMode: 0o666, permissions: 'rw' }],
    mounts: [
      {
        hostPath: library,
        containerPath: '/opt/vendor/library',
        options: ['ro', 'nosuid', 'nodev', 'bind'],
      },
    ],
    hooks: [{ hookName: 'createContainer', path: '/bin/sh', args: ['sh', '-c', script] }],
  };
  const kind = CDI_DEVICE.replace(/=.*/, '');
  writeFileSync(file, JSON.stringify({ cdiVersion: '0.5.0', kind, devices: [{ name: 'one', containerEdits: edits }] }));
  return { directory: DIRECTORY, remove: () => rmSync(DIRECTORY, { recursive: true }) };
}

/** A script that shows every effect of the device, and what it prints. */
export const CDI_SHOWN = [
  'echo $VENDOR; head -c 2 /dev/vendor0 | wc -c; cat /vendor-link/library; echo x 2>/dev/null >/opt/vendor/library || echo refused',
  'one\n2\nlibrary\nrefused\n',
] as const;
