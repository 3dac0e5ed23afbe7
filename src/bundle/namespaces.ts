import type { Config, LinuxNamespace, NamespaceType } from '../../schema/generated/config.ts';

/** The entry of linux.namespaces for this type; the rules refuse a second one. */
function namespaceOf(config: Config, type: NamespaceType): LinuxNamespace | undefined {
  for (const namespace of config.linux?.namespaces ?? []) if (namespace?.type === type) return namespace;
  return undefined;
}

/** JSON pointer to the entry of linux.namespaces for this type, which must have one. */
export function namespacePointer(config: Config, type: NamespaceType): string {
  const index = (config.linux?.namespaces ?? []).findIndex((namespace) => namespace?.type === type);
  return `/linux/namespaces/${String(index)}`;
}

/** Whether the container has its own namespace of this type, new or joined; if not, it is in that of the runtime. */
export function hasNamespace(config: Config, type: NamespaceType): boolean {
  return namespaceOf(config, type) !== undefined;
}

/** Whether a new namespace of this type is made for the container. */
export function isNew(config: Config, type: NamespaceType): boolean {
  const namespace = namespaceOf(config, type);
  return namespace !== undefined && !namespace.path;
}

/** Path of the existing namespace of this type that the container joins; undefined if it joins none. */
export function joinedPath(config: Config, type: NamespaceType): string | undefined {
  return namespaceOf(config, type)?.path || undefined;
}
