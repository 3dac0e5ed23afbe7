// Generated from schema/protocol.json by schema/build/protocol.ts; do not edit.

/** The kinds of the helper's records. */
export const RECORD = {
  /** An op failed; the helper waits until the socket is closed, so that the runtime can look at its files, and exits. */
  failed: 1,
  /** The helper waits for the runtime; `value` is the wait. */
  waiting: 2,
  /** Init is complete. */
  ready: 3,
  /** A hook failed; the helper waits as after failed, and exits. */
  hook_failed: 4,
  /** A terminal was opened; its master is attached to the record. */
  terminal: 5,
  /** The helper continues in the sending process; the runtime reaps the first one. */
  forked: 6,
  /** Like forked, but the sender is not yet in the container's cgroup. */
  forked_outside: 7,
  /** A filter was loaded whose refusals the runtime answers; its listener is attached to the record. */
  listener: 10,
  /** An op could not do all that it was asked to; the helper continues. */
  incomplete: 9,
} as const;

/** The runtime's go-ahead: one byte, which identifies the wait that it answers. */
export const WAIT = {
  /** The runtime lets init execute the program: `run` at once, `start` later over a separate connection. */
  start: 1,
  /** The runtime does the same as start, then sends the memory of a trace. */
  start_traced: 2,
  /** The runtime has saved the state and exits (`create`). */
  saved: 3,
  /** The runtime has systemd move the process into its unit. */
  unit: 4,
  /** The runtime makes the cgroups, unprompted. */
  cgroups: 5,
  /** The runtime sets the limits, unprompted. */
  limits: 6,
  /** The runtime moves network devices, then runs the prestart and createRuntime hooks. */
  hooks: 7,
  /** The runtime sets the process's scheduler. */
  scheduler: 8,
  /** The runtime passes on the terminal's master. */
  terminal: 9,
  /** The runtime moves the process out of the full cgroup, so that it can fork. */
  place: 10,
  /** The runtime moves the process into the container's cgroup. */
  entry: 11,
} as const;

export type Wait = keyof typeof WAIT;

/** The waits that a record of kind `waiting` announces. */
export const ANNOUNCED_WAITS = ['unit', 'hooks', 'scheduler', 'place'] as const;

export type AnnouncedWait = (typeof ANNOUNCED_WAITS)[number];
