import type { Native } from '../host/native.ts';
import type { Context } from '../options/command.ts';

/** What CRIU does after its notification of a stage (`action-scripts` of criu(8)). */
const activities: Readonly<Record<string, string>> = {
  '': 'starts criu',
  'pre-dump': 'stops the processes',
  'network-lock': 'writes the images',
  'post-dump': 'ends the processes',
  'pre-restore': 'reads the images',
  'setup-namespaces': 'sets up the namespaces',
  'post-setup-namespaces': 'restores the processes',
};
const pageSize = 4096;
const pagesInMebibyte = 256;

/** The progress of one call of criu: a debug message for each notification, or a line on a terminal. */
export interface Progress {
  /** At a notification. */
  readonly enter: (stage: string) => void;
  /** From time to time; undefined if nobody watches. */
  readonly wait: (() => void) | undefined;
  /** Removes the line, before anybody else writes to the terminal. */
  readonly end: () => void;
}

/** `action`: the command; the memory written so far is in the directory `images`, a descriptor. */
export function progressOf(
  { native, debug, progress }: Context,
  action: 'checkpoint' | 'restore',
  images: number,
): Progress {
  let write = progress?.();
  let current = '';
  const show = (): void => {
    if (write === undefined) return;
    const pages = action === 'checkpoint' ? pagesIn(native, images) : 0;
    const memory = pages === 0 ? '' : `, ${pages} pages of memory (${(pages / pagesInMebibyte).toFixed(1)} MiB)`;
    write(`${action}: ${activities[current] ?? current}${memory}`);
  };
  const end = (): void => {
    write?.('');
    write = undefined;
  };
  show();
  return {
    enter: (stage) => {
      debug(`criu: ${stage}`);
      if (Object.hasOwn(activities, stage)) current = stage;
      // The terminal may be that of the processes, which resume next.
      if (stage === 'post-restore') end();
      else show();
    },
    wait: write === undefined ? undefined : show,
    end,
  };
}

/** Pages in the images of a directory; those sent to a page server are not there. */
function pagesIn(native: Native, images: number): number {
  const directory = `/proc/self/fd/${images}`;
  const names = native.readDirectory(directory);
  let bytes = 0;
  for (const name of typeof names === 'number' ? [] : names.split('\0')) {
    const status = name.startsWith('pages-') ? native.stat(`${directory}/${name}`, 0) : 0;
    if (typeof status !== 'number') bytes += status[6] ?? 0;
  }
  return Math.floor(bytes / pageSize);
}
