import { S_IFBLK, S_IFMT } from '../kernel/files.ts';
import { coversProc, missingDevice } from './place.ts';
import type { TopicWords } from './words.ts';

const devptsHint =
  'add {"destination": "/dev/pts", "type": "devpts", "source": "devpts", "options": ["newinstance", "ptmxmode=0666"]} to mounts';

export const deviceWords = {
  make_device: {
    action: ({ path }) => `cannot make device "${path}"`,
    known: (_, { name }) =>
      name === 'EEXIST' ? { hint: 'the image has a file there: remove it, or mount a tmpfs on /dev' } : undefined,
  },
  bind_device: {
    essential: true,
    action: ({ source }) => `cannot bind device "${source}" of the host`,
    known({ source, path, mode, major, minor }, { name, call }) {
      if (name === 'EPERM' && call === 'fstatfs') return coversProc(path);
      if (name === 'ENODEV') {
        return {
          message: `cannot bind device "${source}" of the host: it is not ${deviceName(mode)} ${major}:${minor}`,
          hint: missingDevice,
        };
      }
      return name === 'ENOENT' ? { hint: missingDevice } : undefined;
    },
  },
  terminal: {
    essential: true,
    action: () => 'cannot open a terminal in the container',
    known: (_, { name }) =>
      name === 'EMEDIUMTYPE' || name === 'ENOENT' || name === 'ELOOP'
        ? { message: `cannot open a terminal: /dev/pts of the container is not devpts`, hint: devptsHint }
        : undefined,
  },
  console: { action: ({ path }) => `cannot bind the terminal on "${path}"` },
  stdio_owner: {
    essential: true,
    action: ({ uid }) => `cannot give the standard streams to user ${uid}`,
    known: (_, { name }) =>
      name === 'ENODEV'
        ? {
            message: 'cannot replace /dev/null of the host: that of the container is missing or not the null device',
            hint: 'put /dev/null back (character device 1:3), or do not start with /dev/null as a standard stream',
          }
        : undefined,
  },
} satisfies TopicWords;

function deviceName(mode: number): string {
  return (mode & S_IFMT) === S_IFBLK ? 'block device' : 'character device';
}
