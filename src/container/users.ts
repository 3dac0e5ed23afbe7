import type { Native } from '../host/native.ts';

/** Names of users in passwd(5) of the host, which is read once, and only if it is asked. */
export class Users {
  private names: ReadonlyMap<string, string> | undefined;
  private readonly native: Native;

  constructor(native: Native) {
    this.native = native;
  }

  /** Undefined if the user is not listed. */
  nameOf(uid: number): string | undefined {
    this.names ??= this.read();
    return this.names.get(String(uid));
  }

  private read(): Map<string, string> {
    const text = this.native.readText('/etc/passwd', 4 << 20);
    const names = new Map<string, string>();
    if (typeof text === 'number') return names;
    for (const line of text.split('\n')) {
      const [name = '', , uid = ''] = line.split(':', 3);
      // As for getpwuid(3), the first line counts.
      if (!names.has(uid)) names.set(uid, name);
    }
    return names;
  }
}
