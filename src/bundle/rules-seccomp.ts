import type { Config, LinuxSeccompArg, LinuxSyscall, SeccompAction } from '../../schema/generated/config.ts';
import type { Report, Rule } from './rule.ts';
import { each } from './rule.ts';

const lastArgument = 5;

/** Highest error number a system call can return, MAX_ERRNO of include/linux/err.h. */
const maximumErrno = 4095;

/** SECCOMP_RET_DATA, seccomp(2). */
const maximumData = 65535;

export const seccompRules: readonly Rule[] = [seccomp];

function seccomp({ linux }: Config, report: Report): void {
  const filter = linux?.seccomp;
  if (filter === undefined) return;
  const pointer = '/linux/seccomp';
  let notifies = false;
  if (filter.defaultAction === 'SCMP_ACT_NOTIFY') {
    const message = 'SCMP_ACT_NOTIFY cannot be used as the default action';
    report('seccomp.notify', `${pointer}/defaultAction`, message, 'name the system calls to be notified of');
  }
  errorNumber(filter.defaultAction, filter.defaultErrnoRet, `${pointer}/defaultErrnoRet`, report);
  each(filter.syscalls, (rule, index) => {
    const place = `${pointer}/syscalls/${index}`;
    if (rule.action === 'SCMP_ACT_NOTIFY') {
      notifies = true;
      notification(rule, place, report);
    }
    errorNumber(rule.action, rule.errnoRet, `${place}/errnoRet`, report);
    each(rule.args, (argument, at) => argumentIndex(argument, `${place}/args/${at}/index`, report));
  });
  if (notifies && filter.listenerPath === undefined) {
    const message = 'linux.seccomp.listenerPath must be set: a rule has the action SCMP_ACT_NOTIFY';
    report('seccomp.listener', `${pointer}/listenerPath`, message);
  }
  if (filter.listenerMetadata !== undefined && filter.listenerPath === undefined) {
    const message = 'linux.seccomp.listenerMetadata needs linux.seccomp.listenerPath';
    report('seccomp.listener', `${pointer}/listenerMetadata`, message);
  }
}

/** The helper writes the listener to a socket; a notification for that would never be answered. */
function notification(rule: LinuxSyscall, pointer: string, report: Report): void {
  if (!rule.names?.includes('write')) return;
  report('seccomp.notify', `${pointer}/names`, 'SCMP_ACT_NOTIFY cannot be used for the write syscall');
}

/** config-linux.md: an action that has no use for errnoRet must be refused. */
function errorNumber(action: SeccompAction, value: number | undefined, pointer: string, report: Report): void {
  if (value === undefined || value === 0 || action === undefined) return;
  const maximum = action === 'SCMP_ACT_ERRNO' ? maximumErrno : action === 'SCMP_ACT_TRACE' ? maximumData : 0;
  const name = pointer.slice(pointer.lastIndexOf('/') + 1);
  if (maximum === 0) {
    report('seccomp.errno', pointer, `${name} has no meaning for the action ${action}, found ${value}`);
  } else if (value > maximum) {
    report('seccomp.errno', pointer, `${name} must be at most ${maximum} for the action ${action}, found ${value}`);
  }
}

function argumentIndex({ index }: LinuxSeccompArg, pointer: string, report: Report): void {
  if (index === undefined || index <= lastArgument) return;
  report('seccomp.argument', pointer, `the index of an argument must be at most ${lastArgument}, found ${index}`);
}
