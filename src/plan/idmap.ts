import type { Config, Mount } from '../../schema/generated/config.ts';
import type { Diagnostic } from '../diag/diagnostic.ts';
import type { Facts } from '../facts/facts.ts';
import { absoluteRanges } from './idmap-option.ts';
import type { IdmapWord } from './mount-options.ts';
import type { IdmapOptions } from './stage.ts';
import { userNamespaceOf } from './user-namespace.ts';

/** A mount with mappings is idmapped even without an option. */
export function asksForIdmap({ uidMappings = [], gidMappings = [] }: Mount, word: IdmapWord | undefined): boolean {
  return word !== undefined || uidMappings.length > 0 || gidMappings.length > 0;
}

/** The mapping of a mount's file owners; undefined if they are not mapped. */
export function idmapOf(
  config: Config,
  mount: Mount,
  word: IdmapWord | undefined,
  from: string,
  faults: Diagnostic[],
): IdmapOptions | undefined {
  if (!asksForIdmap(mount, word)) return undefined;
  const recursive = word?.recursive ?? false;
  const { uidMappings = [], gidMappings = [] } = mount;
  const given = uidMappings.length > 0 || gidMappings.length > 0;
  const ranges = word?.ranges;
  if (ranges === undefined)
    return given ? { recursive, maps: { uids: uidMappings, gids: gidMappings } } : { recursive };
  const uids = absoluteRanges(ranges.uids, config.linux?.uidMappings ?? []);
  const gids = absoluteRanges(ranges.gids, config.linux?.gidMappings ?? []);
  const unmapped = uids.unmapped ?? gids.unmapped;
  const fault = (cause: string, hint: string): void => {
    const pointer = `${from}/options`;
    const message = `cannot idmap the mount on "${mount.destination}": ${cause}`;
    faults.push({ code: 'mount.idmap', message, pointer, hint });
  };
  if (given) fault('both an option and the mount itself have mappings', 'keep one of them');
  if (unmapped !== undefined) {
    const last = String(unmapped.hostID + unmapped.size - 1);
    fault(
      `ids ${String(unmapped.hostID)} to ${last} after "@" are not all mapped in the container`,
      'extend linux.uidMappings and linux.gidMappings, or omit "@" to use ids of the host',
    );
  }
  return { recursive, maps: { uids: uids.mappings, gids: gids.mappings } };
}

export function checkIdmap(
  config: Config,
  mount: Mount,
  idmap: IdmapOptions | undefined,
  facts: Facts,
  from: string,
  faults: Diagnostic[],
): void {
  if (idmap === undefined) return;
  const missing = idmap.maps === undefined && userNamespaceOf(config) === 'runtime';
  const half = idmap.maps !== undefined && (idmap.maps.uids.length === 0 || idmap.maps.gids.length === 0);
  if (missing || half) {
    faults.push({
      code: 'mount.idmap',
      message: `cannot idmap the mount on "${mount.destination}": ${missing ? 'neither the mount nor the container has' : 'it needs both'} uidMappings and gidMappings`,
      pointer: from,
      hint: 'give the mount uidMappings and gidMappings, or the container a user namespace',
    });
  }
  if (facts.user.uid !== 0) {
    faults.push({
      code: 'mount.idmap',
      message: `cannot idmap the mount on "${mount.destination}": only root may map the owners of a host filesystem`,
      pointer: from,
      hint: 'run rt as root, or remove the mappings',
    });
  }
}

export function refuseIdmap(mount: Mount, from: string, faults: Diagnostic[]): void {
  faults.push({
    code: 'mount.idmap',
    message: `cannot idmap the mount on "${mount.destination}": it is a new filesystem of type ${mount.type ?? ''}, not a bind mount`,
    pointer: from,
    hint: 'only existing mounts can be idmapped: add the option bind or rbind',
  });
}
