import type { Config } from '../../schema/generated/config.ts';
import type { Report, Rule } from './rule.ts';

/** Microseconds: min_cfs_quota_period and max_cfs_quota_period of kernel/sched/fair.c. 0 is "not set" for engines. */
export const bandwidth = { leastQuota: 1000, leastPeriod: 1000, mostPeriod: 1_000_000 } as const;

export const quotaRange = `at least ${bandwidth.leastQuota} microseconds, or -1 for no limit`;
export const periodRange = `${bandwidth.leastPeriod} to ${bandwidth.mostPeriod} microseconds`;

/** Of cpu.shares (kernel/sched/sched.h). */
export const sharesRange = { least: 2, most: 262_144 } as const;

/**
 * What no kernel accepts. A quota that is too small is not here, since systemd rounds it up, nor are shares, which
 * cgroup v2 has as weights.
 */
export const cpuRules: readonly Rule[] = [period, burst, idle, realtime];

const place = '/linux/resources/cpu';

function period({ linux }: Config, report: Report): void {
  const value = Number(linux?.resources?.cpu?.period ?? 0);
  if (value === 0 || (value >= bandwidth.leastPeriod && value <= bandwidth.mostPeriod)) return;
  const message = `linux.resources.cpu.period must be from ${periodRange}, found ${value}`;
  report('cpu.bandwidth', `${place}/period`, message);
}

function burst({ linux }: Config, report: Report): void {
  const { burst: most = 0, quota = 0 } = linux?.resources?.cpu ?? {};
  if (quota < bandwidth.leastQuota || most <= quota) return;
  const message = `linux.resources.cpu.burst must be at most the quota, ${quota}, found ${most}`;
  report('cpu.bandwidth', `${place}/burst`, message);
}

function idle({ linux }: Config, report: Report): void {
  const value = Number(linux?.resources?.cpu?.idle ?? 0);
  if (value === 0 || value === 1) return;
  report('cpu.idle', `${place}/idle`, `linux.resources.cpu.idle must be 0 or 1, found ${value}`);
}

function realtime({ linux }: Config, report: Report): void {
  const { realtimeRuntime = 0, realtimePeriod = 0 } = linux?.resources?.cpu ?? {};
  if (Number(realtimePeriod) === 0 || realtimeRuntime <= realtimePeriod) return;
  const message = `linux.resources.cpu.realtimeRuntime must be at most the period, ${realtimePeriod}, found ${realtimeRuntime}`;
  report('cpu.bandwidth', `${place}/realtimeRuntime`, message);
}
