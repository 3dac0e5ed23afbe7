import type { Config, LinuxSeccomp, SeccompAction } from '../../schema/generated/config.ts';
import { SECCOMP_RET } from '../kernel/seccomp.ts';
import { ANNOTATIONS, annotationPointer, seccompReceiver } from './annotations.ts';
import type { Report, Rule } from './rule.ts';
import { each } from './rule.ts';

const lastArgument = 5;

/** Highest error number that a system call can return, MAX_ERRNO of include/linux/err.h. */
const maximumErrno = 4095;

export const seccompRules: readonly Rule[] = [seccomp];

export const ineffectiveSeccompRules: readonly Rule[] = [killableWait];

function seccomp(config: Config, report: Report): void {
  const filter = config.linux?.seccomp;
  if (filter === undefined) return;
  const pointer = '/linux/seccomp';
  let notifies = false;
  if (filter.defaultAction === 'SCMP_ACT_NOTIFY') {
    const message = 'SCMP_ACT_NOTIFY cannot be used as the default action';
    report('seccomp.notify', `${pointer}/defaultAction`, message, 'list the system calls to be notified of');
  }
  if (isSet(filter.defaultErrnoRet)) {
    errorNumber(filter.defaultAction, filter.defaultErrnoRet, `${pointer}/defaultErrnoRet`, report);
  }
  each(filter.syscalls, ({ action, errnoRet, args }, index) => {
    if (action === 'SCMP_ACT_NOTIFY') notifies = true;
    if (isSet(errnoRet)) errorNumber(action, errnoRet, `${pointer}/syscalls/${index}/errnoRet`, report);
    each(args, ({ index: number }, at) => {
      if (number === undefined || number <= lastArgument) return;
      const message = `the index of an argument must be at most ${lastArgument}, found ${number}`;
      report('seccomp.argument', `${pointer}/syscalls/${index}/args/${at}/index`, message);
    });
  });
  listener(config, filter, notifies, report);
}

function listener(config: Config, filter: LinuxSeccomp, notifies: boolean, report: Report): void {
  const pointer = '/linux/seccomp';
  const { path } = seccompReceiver(config);
  if (notifies && path === '') {
    const message = 'linux.seccomp.listenerPath must be set: a rule has the action SCMP_ACT_NOTIFY';
    report(
      'seccomp.listener',
      `${pointer}/listenerPath`,
      message,
      'give the socket of the program that handles notifications',
    );
  }
  if (filter.listenerMetadata !== undefined && filter.listenerMetadata !== '' && path === '') {
    const message = 'linux.seccomp.listenerMetadata needs linux.seccomp.listenerPath';
    report('seccomp.listener', `${pointer}/listenerMetadata`, message);
  }
  const annotation = config.annotations?.[ANNOTATIONS.seccompReceiver];
  if (annotation !== undefined && annotation !== path) {
    const message = `the annotation ${ANNOTATIONS.seccompReceiver} and linux.seccomp.listenerPath name different sockets`;
    report('seccomp.listener', annotationPointer(ANNOTATIONS.seccompReceiver), message, 'keep one of them');
  }
}

/** The kernel takes the flag only with a listener, seccomp(2); without one no call waits for an answer. */
function killableWait({ linux }: Config, report: Report): void {
  const { flags = [], syscalls = [] } = linux?.seccomp ?? {};
  const index = flags.indexOf('SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV');
  if (index < 0 || syscalls.some(({ action }) => action === 'SCMP_ACT_NOTIFY')) return;
  const message = 'SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV has no effect without a rule with the action SCMP_ACT_NOTIFY';
  report('seccomp.flag', `/linux/seccomp/flags/${index}`, message);
}

/** config-linux.md: errnoRet must be refused for an action that does not use it. */
function errorNumber(action: SeccompAction, value: number, pointer: string, report: Report): void {
  if (action === undefined) return;
  const maximum = action === 'SCMP_ACT_ERRNO' ? maximumErrno : action === 'SCMP_ACT_TRACE' ? SECCOMP_RET.DATA : 0;
  const name = pointer.slice(pointer.lastIndexOf('/') + 1);
  if (maximum === 0) {
    report('seccomp.errno', pointer, `${name} has no meaning for the action ${action}, found ${value}`);
  } else if (value > maximum) {
    report('seccomp.errno', pointer, `${name} must be at most ${maximum} for the action ${action}, found ${value}`);
  }
}

function isSet(value: number | undefined): value is number {
  return value !== undefined && value !== 0;
}
