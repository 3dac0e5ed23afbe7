// Generated from schema/protocol.json by schema/build/protocol.ts; do not edit.

/** The kind of a record of the helper. */
export const RECORD = {
  /** An op failed; the helper exits. */
  failed: 1,
  /** The helper waits for the runtime; `value` is the wait. */
  waiting: 2,
  /** Init is complete. */
  ready: 3,
  /** A hook failed; the helper exits. */
  hook_failed: 4,
  /** A terminal was made, whose master comes with the record. */
  terminal: 5,
  /** The helper goes on as the sender; the runtime reaps the first process. */
  forked: 6,
  /** As forked; the sender is not in the container's cgroup yet. */
  forked_outside: 7,
} as const;

/** The go-ahead of the runtime, which names what the helper waits for: one byte. */
export const WAIT = {
  /** The runtime `run` executes the program at once; `start` asks for it later, over a connection of its own. */
  start: 1,
  /** The runtime as start; the memory of a trace follows. */
  start_traced: 2,
  /** The runtime `create` has saved the state and exits. */
  saved: 3,
  /** The runtime has systemd put the process into its unit. */
  unit: 4,
  /** The runtime makes the cgroups, unasked. */
  cgroups: 5,
  /** The runtime sets the limits, unasked. */
  limits: 6,
  /** The runtime moves network devices, then runs the prestart and createRuntime hooks. */
  hooks: 7,
  /** The runtime sets the scheduler of the process. */
  scheduler: 8,
  /** The runtime passes the master of the terminal on. */
  terminal: 9,
  /** The runtime moves the process out of the cgroup that is full, where it can fork. */
  place: 10,
  /** The runtime moves the process into the container's cgroup. */
  entry: 11,
} as const;

export type Wait = keyof typeof WAIT;

/** Those that a record of the kind `waiting` asks for. */
export const ASKED_WAITS = ['unit', 'hooks', 'scheduler', 'place'] as const;

export type AskedWait = (typeof ASKED_WAITS)[number];
