export function containerDirectory(root: string, id: string): string {
  return `${root}/${id}`;
}

/** Files in the directory of a container. */
export const fileNames = {
  /** Its config at create: that of the bundle may change. */
  config: 'config.json',
  record: 'state.json',
  /** Socket on which init listens for `start`. */
  startSocket: 'start.sock',
  /** Notify directory, visible in the container if a service manager waits for it. */
  notify: 'notify',
} as const;
