import { ifPresent } from '../cgroup/files.ts';
import { expectResult } from '../diag/system.ts';
import type { Native } from '../host/native.ts';
import { Users } from './users.ts';

/** USER_HZ, the unit of times in /proc, is the same on all architectures that rt runs on. */
const ticksPerSecond = 100;
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const widestName = 8;
const mostShare = 99;
const largestCommand = 4 << 20;
const largestFile = 1 << 16;
const unprintable = /[\0-\x1f\x7f-\x9f\ufffd]/g;

/** Indices in proc_pid_stat(5), among the fields behind the name. */
const fields = { state: 0, parent: 1, terminal: 4, userTime: 11, systemTime: 12, startTime: 19 } as const;

/** The clocks of this host, in seconds. */
interface Clocks {
  /** Since 1970. */
  readonly now: number;
  readonly boot: number;
  readonly sinceBoot: number;
}

/** The header and a line for each process, as `ps -ef` prints them. A process that has ended meanwhile has none. */
export function processTable(native: Native, pids: readonly number[]): string[] {
  const users = new Users(native);
  const clocks = clocksOf(native);
  const width = Math.max(5, String(Number(read(native, '/proc/sys/kernel/pid_max')) - 1).length);
  const head = `UID      ${'PID'.padStart(width)} ${'PPID'.padStart(width)}  C STIME TTY          TIME CMD`;
  const rows = [...pids].sort((a, b) => a - b).map((pid) => row(native, pid, width, users, clocks));
  return [head, ...rows.filter((line) => line !== undefined)];
}

function row(native: Native, pid: number, width: number, users: Users, clocks: Clocks): string | undefined {
  const stat = read(native, `/proc/${pid}/stat`);
  const status = read(native, `/proc/${pid}/status`);
  const uid = /^Uid:\t\d+\t(\d+)/m.exec(status ?? '')?.[1];
  if (stat === undefined || uid === undefined) return undefined;
  const end = stat.lastIndexOf(')');
  const values = stat.slice(end + 2).split(' ');
  const number = (field: keyof typeof fields): number => Number(values[fields[field]]);
  const seconds = (number('userTime') + number('systemTime')) / ticksPerSecond;
  const start = number('startTime') / ticksPerSecond;
  return [
    userColumn(users.nameOf(Number(uid)) ?? uid),
    String(pid).padStart(width),
    String(number('parent')).padStart(width),
    shareOf(seconds, clocks.sinceBoot - start).padStart(2),
    startColumn(native, clocks.boot + start, clocks.now),
    terminalName(number('terminal')).padEnd(8),
    timeColumn(Math.floor(seconds)),
    commandColumn(native, pid, stat.slice(stat.indexOf('(') + 1, end), values[fields.state]),
  ].join(' ');
}

function userColumn(name: string): string {
  return name.length > widestName ? `${name.slice(0, widestName - 1)}+` : name.padEnd(widestName);
}

/** Processor time in percent of the time since the start. */
function shareOf(seconds: number, elapsed: number): string {
  return String(elapsed > 0 ? Math.min(mostShare, Math.floor((seconds * 100) / elapsed)) : 0);
}

/** The time of a start today, the day of one this year, else the year. */
function startColumn(native: Native, start: number, now: number): string {
  const local = (time: number): number[] =>
    expectResult(native.localTime(Math.floor(time)), 'process.read', 'cannot convert a time', 'localtime');
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0] = local(start);
  const today = local(now);
  if (year !== today[0]) return String(year).padStart(5);
  if (month !== today[1] || day !== today[2]) return `${months[month] ?? ''}${twoDigits(day)}`;
  return `${twoDigits(hour)}:${twoDigits(minute)}`;
}

/** From the number of the device: terminals of containers, and of the host's consoles and serial lines. */
function terminalName(device: number): string {
  const major = (device >> 8) & 0xfff;
  const minor = (device & 0xff) | ((device >>> 12) & 0xfff00);
  if (major >= 136 && major <= 143) return `pts/${(major - 136) * 256 + minor}`;
  if (major === 4) return minor < 64 ? `tty${minor}` : `ttyS${minor - 64}`;
  return '?';
}

function timeColumn(seconds: number): string {
  const days = Math.floor(seconds / 86_400);
  const [hours, minutes] = [Math.floor(seconds / 3600) % 24, Math.floor(seconds / 60) % 60];
  const time = [hours, minutes, seconds % 60].map(twoDigits).join(':');
  return days > 0 ? `${days}-${time}` : time;
}

function twoDigits(number: number): string {
  return String(number).padStart(2, '0');
}

/** The arguments, or the name of the program where there are none. */
function commandColumn(native: Native, pid: number, name: string, state: string | undefined): string {
  const text = read(native, `/proc/${pid}/cmdline`, largestCommand)?.replace(/\0+$/, '') ?? '';
  const command = text === '' ? `[${name}]` : text.replaceAll('\0', ' ');
  return command.replaceAll(unprintable, '?') + (state === 'Z' ? ' <defunct>' : '');
}

function clocksOf(native: Native): Clocks {
  const [now = 0] = native.realTime();
  const sinceBoot = Number(read(native, '/proc/uptime')?.split(' ', 1)[0]);
  const boot = Number(/^btime (\d+)$/m.exec(read(native, '/proc/stat', largestCommand) ?? '')?.[1]);
  return { now, boot, sinceBoot };
}

/** Undefined if the process has ended. */
function read(native: Native, path: string, max = largestFile): string | undefined {
  return ifPresent(native.readText(path, max), `cannot read "${path}"`, 'read');
}
