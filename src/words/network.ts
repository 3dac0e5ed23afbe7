import type { Known, Planned, TopicWords } from './words.ts';

export const networkWords = {
  net_device: {
    essential: true,
    action: ({ name }) => `cannot move network device "${name}" into the container`,
    known: (op, { name }) => deviceCause(op, name),
  },
  loopback_up: { action: () => 'cannot bring up the loopback device' },
} satisfies TopicWords;

function deviceCause(op: Planned<'net_device'>, errno: string): Known | undefined {
  switch (errno) {
    case 'ENODEV':
      return { hint: 'the host has no such device in the network namespace of rt; see ip link' };
    case 'EEXIST':
      return {
        pointer: op.name === op.newName ? op.from : `${op.from}/name`,
        hint: `the container already has a device "${op.newName}"; choose another name`,
      };
    case 'EALREADY':
      return {
        message: `cannot move network device "${op.name}" into the container: its network namespace is that of rt`,
        hint: 'give the container its own network namespace',
      };
    case 'EINVAL':
      return { hint: 'some devices (lo, bridge ports) cannot change namespace, such as lo or a bridge port' };
    case 'EPERM':
      return { hint: 'rt needs CAP_NET_ADMIN in both network namespaces' };
    default:
      return undefined;
  }
}
