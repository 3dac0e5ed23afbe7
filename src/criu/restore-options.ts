import type { Config } from '../../schema/generated/config.ts';
import { isNew } from '../bundle/namespaces.ts';
import { expectIfPresent } from '../diag/system.ts';
import type { Native } from '../host/native.ts';
import { CLONE_NEW } from '../kernel/namespaces.ts';
import type { Context } from '../options/command.ts';
import { externalNamespaces } from '../plan/checkpoint.ts';
import type { PlannedMount } from '../plan/checkpoint.ts';
import { handedOver, mapsImages } from '../plan/restore.ts';
import { isHandedIn, restoredMounts } from './external.ts';
import type { Field } from './protobuf.ts';
import { inheritedDescriptor, terminalOption } from './request.ts';
import type { Directories } from './request.ts';
import { OPTION, firstDescriptor } from './rpc.ts';

const largestList = 1 << 16;
/** -1 as a number of 32 bits. */
const noDescriptor = 0xffff_ffff;

/** Options of a restore of a container with this config, besides the common ones. */
export function restoreOptions(
  context: Context,
  config: Config,
  mounts: readonly PlannedMount[],
  rootfs: string,
  directories: Directories,
): Field[] {
  const { native, options } = context;
  return [
    [OPTION.root, rootfs],
    // The last value of a field counts.
    ...(mapsImages(config)
      ? ([
          [OPTION.imagesDirectory, noDescriptor],
          [OPTION.imagesPath, `/proc/self/fd/${firstDescriptor + 1 + handedOver(config).length}`],
        ] as const)
      : []),
    [OPTION.restoreSibling, true],
    terminalOption(context, config),
    ...restoredMounts(native, mounts).map((word): Field => [OPTION.external, word]),
    ...standardKeys(native, directories).flatMap((key, index) =>
      isHandedIn(key) ? [inheritedDescriptor(key, index)] : [],
    ),
    ...handedOver(config).map((type, index) =>
      inheritedDescriptor(externalNamespaces[type], firstDescriptor + 1 + index),
    ),
    ...(isNew(config, 'network') ? [[OPTION.emptyNamespaces, CLONE_NEW.network] as const] : []),
    ...(options['tcp-close'] === true ? [[OPTION.tcpClose, true] as const] : []),
    ...(options['lsm-profile'] === undefined ? [] : [[OPTION.lsmProfile, options['lsm-profile']] as const]),
    ...(options['lsm-mount-context'] === undefined
      ? []
      : [[OPTION.lsmMountContext, options['lsm-mount-context']] as const]),
  ];
}

/** The former standard input, output and error; names that cannot be passed to criu are ignored. */
function standardKeys(native: Native, { images }: Directories): readonly string[] {
  const result = native.readText(`/proc/self/fd/${images}/descriptors.json`, largestList);
  const text = expectIfPresent(result, 'images.read', 'cannot read image "descriptors.json"', 'read');
  if (text === undefined) return [];
  try {
    const list: unknown = JSON.parse(text);
    return Array.isArray(list) ? list.slice(0, 3).map(String) : [];
  } catch {
    return [];
  }
}
