export function containerDirectory(root: string, id: string): string {
  return `${root}/${id}`;
}

/** In the directory of a container. */
export const fileNames = {
  /** Its config as it was at create: what a bundle says may change. */
  config: 'config.json',
  record: 'state.json',
  /** Where init listens for `start`. */
  startSocket: 'start.sock',
  /** What the container sees of its state, when a service manager waits for it. */
  notify: 'notify',
} as const;
