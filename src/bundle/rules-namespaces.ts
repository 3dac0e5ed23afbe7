import type { Config, IdMapping, LinuxTimeOffset, NamespaceType } from '../../schema/generated/config.ts';
import { shown } from '../diag/pointer.ts';
import { hasNamespace, isNew } from './namespaces.ts';
import { normalizePath } from './path.ts';
import type { Report, Rule } from './rule.ts';
import { each, isAbsolute } from './rule.ts';

/** Maximum length of node and domain names, uts_namespaces(7), in bytes. */
const maximumNameLength = 64;

/** Faults with a code `namespace.` are meaningless if the list of namespaces itself is faulty. */
export const namespaceRules: readonly Rule[] = [
  namespaces,
  hostname,
  domainname,
  userNamespace,
  mappings,
  timeNamespace,
  restrictedPaths,
  rootOfTheHost,
];

function namespaces(config: Config, report: Report): void {
  const seen = new Map<NamespaceType, number>();
  each(config.linux?.namespaces, ({ type, path }, index) => {
    const pointer = `/linux/namespaces/${index}`;
    const first = seen.get(type);
    if (first === undefined) seen.set(type, index);
    else {
      const message = `malformed spec file: duplicated ns: linux.namespaces[${first}] is of type ${type}, too`;
      report('namespace.duplicate', pointer, message, 'keep one of them');
    }
    if (path !== undefined && path !== '' && !isAbsolute(path)) {
      const message = `linux.namespaces[${index}].path must be an absolute path, found ${shown(path)}`;
      report('namespace.path', `${pointer}/path`, message);
    }
  });
}

function hostname(config: Config, report: Report): void {
  nodeName(config, config.hostname, 'hostname', report);
}

function domainname(config: Config, report: Report): void {
  nodeName(config, config.domainname, 'domainname', report);
}

function nodeName(config: Config, name: string | undefined, field: 'hostname' | 'domainname', report: Report): void {
  if (name === undefined || name === '') return;
  if (!isForOtherSystem(config) && !hasNamespace(config, 'uts')) {
    const hint = 'add {"type": "uts"} to linux.namespaces';
    report('namespace.uts', `/${field}`, `unable to set ${field} without a private UTS namespace`, hint);
  }
  const length = utf8Length(name);
  if (length > maximumNameLength) {
    const message = `${field} must have at most ${maximumNameLength} bytes, found ${length}`;
    report('config.hostname', `/${field}`, message);
  }
}

function utf8Length(text: string): number {
  let length = 0;
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    length += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x1_0000 ? 3 : 4;
  }
  return length;
}

/** Containers of other platforms have a host name without a UTS namespace. */
function isForOtherSystem({ windows, solaris, zos, freebsd }: Config): boolean {
  return (windows ?? solaris ?? zos ?? freebsd) !== undefined;
}

function userNamespace(config: Config, report: Report): void {
  const { uidMappings = [], gidMappings = [] } = config.linux ?? {};
  const mapped = uidMappings.length > 0 || gidMappings.length > 0;
  if (!hasNamespace(config, 'user')) {
    if (!mapped) return;
    const place = uidMappings.length > 0 ? '/linux/uidMappings' : '/linux/gidMappings';
    const message = "user namespace mappings specified, but user namespace isn't enabled in the config";
    report('namespace.user', place, message, 'add {"type": "user"} to linux.namespaces');
  } else if (isNew(config, 'user') && (uidMappings.length === 0 || gidMappings.length === 0)) {
    const message = 'user namespaces enabled, but no namespace path to join nor mappings to apply specified';
    report('namespace.user', '/linux/namespaces', message, 'give both linux.uidMappings and linux.gidMappings');
  }
}

/** user_namespaces(7): ranges are not empty, do not overlap and end below 2^32 - 1. */
function mappings({ linux, mounts }: Config, report: Report): void {
  if (linux !== undefined) {
    mapping(linux.uidMappings, 'linux.uidMappings', '/linux/uidMappings', report);
    mapping(linux.gidMappings, 'linux.gidMappings', '/linux/gidMappings', report);
  }
  each(mounts, ({ uidMappings, gidMappings }, index) => {
    if (uidMappings === undefined && gidMappings === undefined) return;
    mapping(uidMappings, `mounts[${index}].uidMappings`, `/mounts/${index}/uidMappings`, report);
    mapping(gidMappings, `mounts[${index}].gidMappings`, `/mounts/${index}/gidMappings`, report);
  });
}

function mapping(list: readonly IdMapping[] | undefined, name: string, pointer: string, report: Report): void {
  each(list, ({ containerID, hostID, size }, index) => {
    const place = `${pointer}/${index}`;
    if (size === 0) report('mapping.size', `${place}/size`, `${name}[${index}].size must be at least 1, found 0`);
    if (Math.max(containerID, hostID) + size > 4294967295) {
      report('mapping.range', place, `${name}[${index}] reaches beyond the highest id, 4294967294`);
    }
    each(list?.slice(0, index), (other, otherIndex) => {
      if (
        overlaps(containerID, other.containerID, size, other.size) ||
        overlaps(hostID, other.hostID, size, other.size)
      ) {
        report('mapping.overlap', place, `${name}[${index}] overlaps ${name}[${otherIndex}]`);
      }
    });
  });
}

function overlaps(start: number, otherStart: number, size: number, otherSize: number): boolean {
  return start < otherStart + otherSize && otherStart < start + size;
}

function timeNamespace(config: Config, report: Report): void {
  const offsets = config.linux?.timeOffsets;
  for (const [clock, offset] of Object.entries(offsets ?? {})) clockOffset(clock, offset as LinuxTimeOffset, report);
  if (offsets === undefined || (offsets.monotonic ?? offsets.boottime) === undefined) return;
  if (!hasNamespace(config, 'time')) {
    const message = "time namespace offsets specified, but time namespace isn't enabled in the config";
    report('namespace.time', '/linux/timeOffsets', message, 'add {"type": "time"} to linux.namespaces');
  } else if (!isNew(config, 'time')) {
    const message =
      'time namespace enabled, but both namespace path and time offsets specified -- you may only provide one';
    report('namespace.time', '/linux/timeOffsets', message);
  }
}

/** time_namespaces(7): these two clocks, and less than a second of nanoseconds. */
function clockOffset(clock: string, offset: LinuxTimeOffset | null, report: Report): void {
  if (clock !== 'monotonic' && clock !== 'boottime') {
    const message = `linux.timeOffsets has no clock ${shown(clock)}`;
    report(
      'time.clock',
      '/linux/timeOffsets',
      message,
      'a time namespace has offsets for the clocks monotonic and boottime',
    );
    return;
  }
  const nanosecs = offset?.nanosecs ?? 0;
  if (nanosecs < 1_000_000_000) return;
  const message = `linux.timeOffsets.${clock}.nanosecs must be less than 1000000000, found ${nanosecs}`;
  report('time.nanosecs', `/linux/timeOffsets/${clock}/nanosecs`, message, 'put whole seconds into secs');
}

/** Settings that a mere chroot cannot apply. Mounts are possible, in a separate tree on the host. */
function rootOfTheHost(config: Config, report: Report): void {
  const { rootfsPropagation, devices = [] } = config.linux ?? {};
  if (hasNamespace(config, 'mount')) return;
  const refuse = (name: string, what: string): void => {
    const message = `unable to ${what} without a private MNT namespace`;
    report('namespace.mount', `/linux/${name}`, message, 'add {"type": "mount"} to linux.namespaces');
  };
  if (rootfsPropagation !== undefined) refuse('rootfsPropagation', 'set rootfsPropagation');
  const hasMounts = (config.mounts ?? []).length > 0 || config.root?.readonly === true;
  if (devices.length > 0 && !hasMounts) refuse('devices', 'make devices');
}

function restrictedPaths(config: Config, report: Report): void {
  const { maskedPaths, readonlyPaths } = config.linux ?? {};
  const lists = { maskedPaths, readonlyPaths };
  const isolated = hasNamespace(config, 'mount');
  for (const [name, list] of Object.entries(lists)) {
    if (list === undefined || list.length === 0) continue;
    if (!isolated) {
      const hint = 'add {"type": "mount"} to linux.namespaces';
      const message = 'unable to restrict sys entries without a private MNT namespace';
      report('namespace.mount', `/linux/${name}`, message, hint);
    }
    each(list, (path, index) => {
      const rule = !isAbsolute(path)
        ? 'must be an absolute path'
        : name === 'maskedPaths' && normalizePath(path) === '/'
          ? 'must not be the root, which would leave no program'
          : undefined;
      if (rule === undefined) return;
      report('linux.path', `/linux/${name}/${index}`, `linux.${name}[${index}] ${rule}, found ${shown(path)}`);
    });
  }
}
