import { Failure } from '../diag/diagnostic.ts';
import { shown } from '../diag/pointer.ts';
import type { Native } from '../host/native.ts';
import { expectIfPresent } from '../diag/system.ts';
import { cgroupRoot, readFacts } from '../facts/facts.ts';
import type { UserFacts } from '../facts/facts.ts';
import type { UnitManager } from '../plan/cgroup/record.ts';
import type { UnitPlan, UnitProperty, UserManager } from '../plan/cgroup/unit.ts';
import { DbusConnection, DbusError } from './dbus/connection.ts';
import { malformed } from './dbus/marshal.ts';
import type { DbusWriter } from './dbus/marshal.ts';
import type { Message } from './dbus/message.ts';

const bus = { destination: 'org.freedesktop.DBus', path: '/org/freedesktop/DBus', interface: 'org.freedesktop.DBus' };
const manager = {
  destination: 'org.freedesktop.systemd1',
  path: '/org/freedesktop/systemd1',
  interface: 'org.freedesktop.systemd1.Manager',
};
const endOfJob = 'JobRemoved';
const errorPrefix = 'org.freedesktop.systemd1.';
const properties = { interface: 'org.freedesktop.DBus.Properties', member: 'Get', signature: 'ss' };
/** For all calls of one command to systemd, as in runc. */
const timeoutMs = 30_000;
const maximumFile = 4096;
/** As systemd writes one: the root is '', and nothing leads upwards. */
const cgroupPath = /^(?:\/(?!\.\.?(?:\/|$))[^/\p{Cc}]+)*$/u;

/** A session with the manager of systemd (org.freedesktop.systemd1(5)). */
class Manager {
  private readonly connection: DbusConnection;
  /** Without a bus there are no destination names, and signals arrive without a subscription. */
  private readonly direct: boolean;

  constructor(native: Native, { path, direct }: ManagerSocket) {
    this.direct = direct;
    this.connection = new DbusConnection(native, path, timeoutMs, endOfJob);
    this.connection.authenticate();
    if (direct) return;
    this.connection.call({ ...bus, member: 'Hello', signature: '' }, () => undefined);
    const rule = `type='signal',sender='${manager.destination}',interface='${manager.interface}',member='${endOfJob}'`;
    this.connection.call({ ...bus, member: 'AddMatch', signature: 's' }, (body) => body.string(rule));
    this.call('Subscribe', '', () => undefined);
  }

  call(member: string, signature: string, writeBody: (body: DbusWriter) => void): Message {
    const destination = this.direct ? '' : manager.destination;
    return this.connection.call({ ...manager, destination, member, signature }, writeBody);
  }

  /** A property of the manager that is a string. */
  property(name: string): string {
    const destination = this.direct ? '' : manager.destination;
    const { body } = this.connection.call({ ...properties, destination, path: manager.path }, (words) => {
      words.string(manager.interface);
      words.string(name);
    });
    if (body.signature() !== 's') throw malformed(`has no string as ${name}`);
    return body.string();
  }

  /** Calls a method that starts a job and waits for the job's result: `done` on success. */
  job(member: string, signature: string, writeBody: (body: DbusWriter) => void): string {
    const job = this.call(member, signature, writeBody).body.string();
    for (;;) {
      const { body } = this.connection.signal();
      body.u32();
      const path = body.string();
      body.string();
      const result = body.string();
      if (path === job) return result;
    }
  }

  close(): void {
    this.connection.close();
  }
}

/** The bus is the public interface; the manager's own socket (`direct`) is for hosts on which no bus runs. */
interface ManagerSocket {
  readonly path: string;
  readonly direct: boolean;
}

function managerSocket(native: Native, of: UnitManager): ManagerSocket {
  switch (of) {
    case 'system': {
      const found = socketAt(native, 'DBUS_SYSTEM_BUS_ADDRESS', '/run/dbus/system_bus_socket', '/run/systemd/private');
      if (found === undefined) throw absent();
      return found;
    }
    case 'user': {
      const found = userSocket(native);
      if (found === undefined) throw withoutUserManager();
      return found;
    }
  }
}

function userSocket(native: Native): ManagerSocket | undefined {
  const { uid, initial } = readFacts(native).user;
  const given = native.getEnv('XDG_RUNTIME_DIR');
  const usual = initial ? `/run/user/${uid}` : undefined;
  const directory = typeof given === 'string' && given.startsWith('/') ? given : usual;
  const at = (name: string): string | undefined => (directory === undefined ? undefined : `${directory}/${name}`);
  return socketAt(native, 'DBUS_SESSION_BUS_ADDRESS', at('bus'), at('systemd/private'));
}

function socketAt(native: Native, variable: string, bus?: string, own?: string): ManagerSocket | undefined {
  const given = native.getEnv(variable);
  const address = typeof given === 'string' ? /(?:^|;)unix:path=([^,;]+)/.exec(given)?.[1] : undefined;
  if (address !== undefined) return { path: address, direct: false };
  const isThere = (path: string | undefined): path is string =>
    path !== undefined && typeof native.stat(path, 1) !== 'number';
  if (isThere(bus)) return { path: bus, direct: false };
  return isThere(own) ? { path: own, direct: true } : undefined;
}

/**
 * The systemd of a caller who is not root of the host; undefined for root, also in a user namespace without the socket of
 * a user's systemd: it may be that of a container with a systemd of its own.
 */
export function readUserManager(native: Native, { uid, initial }: UserFacts): UserManager | undefined {
  requireSystemd(native);
  const socket = userSocket(native);
  if (uid === 0 && (initial || socket === undefined)) return undefined;
  if (socket === undefined) throw withoutUserManager();
  const cgroup = withManager(native, 'user', (systemd) => systemd.property('ControlGroup'));
  if (!cgroupPath.test(cgroup)) throw malformed(`has ${shown(cgroup)} as ControlGroup, which is no absolute path`);
  const file = `${cgroupRoot}${cgroup}/cgroup.controllers`;
  const text = native.readText(file, maximumFile);
  // On cgroup v1, where it is in a hierarchy of its own.
  const words = expectIfPresent(text, 'host.read', `cannot read "${file}"`, 'read') ?? '';
  return { cgroup, controllers: words.split(/\s+/).filter((word) => word !== '') };
}

function withoutUserManager(): Failure {
  return new Failure({
    code: 'systemd.user',
    message:
      'cannot drive cgroups through systemd: no systemd of this user was found (XDG_RUNTIME_DIR, DBUS_SESSION_BUS_ADDRESS)',
    hint: 'log in through PAM, or have root run loginctl enable-linger for the user; or leave --systemd-cgroup out',
  });
}

/** Throws unless systemd runs this host (sd_booted(3)). */
export function requireSystemd(native: Native): void {
  if (typeof native.stat('/run/systemd/system', 1) === 'number') throw absent();
}

function absent(): Failure {
  return new Failure({
    code: 'systemd.absent',
    message: 'cannot drive cgroups through systemd: systemd does not run on this host',
    hint: 'leave --systemd-cgroup out, and configure the engine for the cgroupfs driver',
  });
}

function withManager<T>(native: Native, of: UnitManager, use: (manager: Manager) => T): T {
  let open: Manager | undefined;
  try {
    open = new Manager(native, managerSocket(native, of));
    return use(open);
  } catch (error) {
    throw callFailure('systemd refuses a call', error);
  } finally {
    open?.close();
  }
}

/** Starts the scope of a container with the process `pid` in it. A failed unit of that name is reset first. */
export function startUnit(native: Native, unit: UnitPlan, pid: number): void {
  const start = (systemd: Manager): string =>
    systemd.job('StartTransientUnit', 'ssa(sv)a(sa(sv))', (body) => {
      body.string(unit.name);
      body.string('replace');
      writeProperties(body, [...unit.properties, { name: 'PIDs', value: { type: 'au', value: [pid] } }]);
      body.array(8, () => undefined);
    });
  withManager(native, unit.manager, (systemd) => {
    let result: string;
    try {
      result = start(systemd);
    } catch (error) {
      if (!(error instanceof DbusError) || error.dbusName !== `${errorPrefix}UnitExists`)
        throw unitFailure('start', unit.name, error);
      reset(systemd, unit.name);
      try {
        result = start(systemd);
      } catch (again) {
        throw unitFailure('start', unit.name, again);
      }
    }
    if (result !== 'done') throw jobFailure('start', unit.name, result);
  });
}

/** Changes limits of the unit until the next boot. */
export function setUnitProperties(
  native: Native,
  of: UnitManager,
  name: string,
  changed: readonly UnitProperty[],
): void {
  if (changed.length === 0) return;
  withManager(native, of, (systemd) => {
    try {
      systemd.call('SetUnitProperties', 'sba(sv)', (body) => {
        body.string(name);
        body.u32(1);
        writeProperties(body, changed);
      });
    } catch (error) {
      throw unitFailure('set properties of', name, error);
    }
  });
}

/** Stops the unit, which may already be gone, and resets its failed state. */
export function stopUnit(native: Native, of: UnitManager, name: string): void {
  withManager(native, of, (systemd) => {
    try {
      const result = systemd.job('StopUnit', 'ss', (body) => {
        body.string(name);
        body.string('replace');
      });
      if (result !== 'done') throw jobFailure('stop', name, result);
    } catch (error) {
      const isGone = error instanceof DbusError && error.dbusName === `${errorPrefix}NoSuchUnit`;
      if (!isGone) throw unitFailure('stop', name, error);
    }
    reset(systemd, name);
  });
}

/** A failed unit keeps its name until it is reset. A missing unit, or one that did not fail, is no error. */
function reset(systemd: Manager, name: string): void {
  try {
    systemd.call('ResetFailedUnit', 's', (body) => body.string(name));
  } catch (error) {
    if (!(error instanceof DbusError)) throw error;
  }
}

function writeProperties(body: DbusWriter, properties: readonly UnitProperty[]): void {
  body.array(8, () => {
    for (const { name, value } of properties) {
      body.align(8);
      body.string(name);
      body.variant(value);
    }
  });
}

function jobFailure(action: string, name: string, result: string): Failure {
  return new Failure({ code: 'systemd.job', message: `unable to ${action} unit "${name}": job ended with ${result}` });
}

function unitFailure(action: string, name: string, error: unknown): unknown {
  return callFailure(`unable to ${action} unit "${name}"`, error);
}

function callFailure(action: string, error: unknown): unknown {
  if (!(error instanceof DbusError)) return error;
  const message = `${action}: ${error.message === '' ? error.dbusName : error.message}`;
  return new Failure({ code: 'systemd.call', message });
}
