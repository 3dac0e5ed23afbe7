const STEP = 5;
/**
 * On a slow machine, the pause after a condition as a multiple of its duration: a command or a request takes the time of what
 * it waits for.
 */
const PAUSE = 3;
const LONGEST = 1000;

/** Factor for every deadline: RT_PATIENCE extends them on a slow machine. */
export const PATIENCE = Number(process.env['RT_PATIENCE'] ?? 1);

/**
 * Polls a condition every few milliseconds until it holds.
 *
 * @returns the result of the condition, once that is neither undefined nor false
 * @throws if the deadline (milliseconds) passes first; `what` names the condition
 */
export async function until<Value>(
  what: string,
  condition: () => Value | Promise<Value>,
  deadline = 30_000,
): Promise<Exclude<Value, undefined | false>> {
  const end = Date.now() + deadline * PATIENCE;
  for (;;) {
    const begin = Date.now();
    const value = await condition();
    if (value !== undefined && value !== false) return value as Exclude<Value, undefined | false>;
    if (Date.now() > end) throw new Error(`waited ${deadline * PATIENCE} ms in vain until ${what}`);
    const longer = PATIENCE > 1 ? PAUSE * (Date.now() - begin) : 0;
    const pause = Math.min(Math.max(STEP, longer), LONGEST * PATIENCE);
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}
