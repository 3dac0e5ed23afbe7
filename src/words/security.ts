import { SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV } from '../kernel/seccomp.ts';
import { hinted } from './words.ts';
import type { Planned, TopicWords } from './words.ts';

export const securityWords = {
  security_attribute: {
    action: attributeAction,
    known: (op, { name }) => hinted(attributeHint(op.name, name)),
  },
  seccomp: {
    action: () => 'cannot load the seccomp filter',
    known: ({ flags }, { name }) => hinted(seccompHint(flags, name)),
  },
  seccomp_receiver: {
    action: ({ path }) => `cannot connect to the seccomp receiver "${path}"`,
    known: (_, { name }) =>
      name === 'ENOENT' || name === 'ECONNREFUSED'
        ? { hint: 'start the program that answers the notifications first; it must listen on this socket' }
        : undefined,
  },
  seccomp_notify: {
    action: () => 'cannot load the seccomp filter',
    known: ({ flags }, { name }) => hinted(seccompHint(flags, name)),
  },
} satisfies TopicWords;

/** The words that engines know from runc; Podman recognises a label's failure by the path in back quotes. */
function attributeAction({ name, value }: Planned<'security_attribute'>): string {
  const path = `\`/proc/self/attr/${name}\``;
  if (name === 'apparmor/exec') {
    return `apparmor failed to apply profile: cannot write "${value.slice('exec '.length)}" to ${path}`;
  }
  return `cannot set selinux label: cannot write "${value}" to ${path}`;
}

function attributeHint(attribute: string, name: string): string | undefined {
  if (attribute === 'apparmor/exec') {
    return name === 'ENOENT' ? 'load the profile with apparmor_parser, or name one of aa-status' : undefined;
  }
  return name === 'EINVAL' ? 'the label is not one of the loaded SELinux policy' : undefined;
}

function seccompHint(flags: number, name: string): string | undefined {
  if (name === 'EINVAL' && flags & SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV) {
    return 'SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV needs Linux 5.19 or later';
  }
  return name === 'EBUSY' ? 'rt itself runs under a filter with a listener: the kernel allows one' : undefined;
}
