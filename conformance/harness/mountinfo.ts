/** One line of /proc/PID/mountinfo, proc_pid_mountinfo(5). */
export interface Mount {
  id: number;
  parent: number;
  device: string;
  root: string;
  target: string;
  /** Options of the mount: ro, nosuid, ... */
  options: string[];
  /** shared:N, master:N, unbindable, ... without the numbers. */
  propagation: string[];
  type: string;
  source: string;
  /** Options of the filesystem. */
  superOptions: string[];
}

const unescape = (text: string): string =>
  text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));

/** Reads the text of a mountinfo file. */
export function parseMountinfo(text: string): Mount[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [before = '', after = ''] = line.split(' - ');
      const [id = '', parent = '', device = '', root = '', target = '', options = '', ...tags] = before.split(' ');
      const [type = '', source = '', superOptions = ''] = after.split(' ');
      return {
        id: Number(id),
        parent: Number(parent),
        device,
        root: unescape(root),
        target: unescape(target),
        options: options.split(','),
        propagation: tags.map((tag) => tag.replace(/:.*/, '')).filter((tag) => tag !== 'propagate_from'),
        type,
        source: unescape(source),
        superOptions: superOptions.split(','),
      };
    });
}

/** The topmost mount on a path, or undefined. */
export function mountAt(mounts: readonly Mount[], target: string): Mount | undefined {
  return mounts.filter((mount) => mount.target === target).at(-1);
}
