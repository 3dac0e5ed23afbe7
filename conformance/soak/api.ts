/** Makes containers with the API, and reports resources of this process that have grown: ROOT BUNDLE ID TIMES. */
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type * as Api from '../../src/index.ts';

const [root = '', bundle = '', id = '', times = '0'] = process.argv.slice(2);
// The bundle that is installed.
const api = join(import.meta.dirname, '../../build/node/index.mjs');
const { Runtime } = (await import(pathToFileURL(api).href)) as typeof Api;
const runtime = new Runtime({ root });

function once(): void {
  runtime.create(id, { bundle });
  runtime.start(id);
  const code = runtime.wait(id);
  if (code !== 0) throw new Error(`the container ended with ${String(code)}`);
  runtime.delete(id);
}

function descriptors(): string[] {
  return readdirSync('/proc/self/fd').flatMap((name) => {
    try {
      return [`${name} ${readlinkSync(`/proc/self/fd/${name}`)}`];
    } catch {
      // The descriptor that was used to read the list.
      return [];
    }
  });
}

function children(): string[] {
  return readdirSync('/proc/self/task').flatMap((task) =>
    readFileSync(`/proc/self/task/${task}/children`, 'utf8').split(' ').filter(Boolean),
  );
}

// Allocations that are made once, for the first container.
once();
const before = descriptors();
const childrenBefore = children();
for (let done = 0; done < Number(times); done += 1) once();
const more = descriptors().filter((line) => !before.includes(line));
const orphans = children().filter((pid) => !childrenBefore.includes(pid));
if (more.length + orphans.length > 0) {
  throw new Error(`left in the process: ${[...more, ...orphans.map((pid) => `child ${pid}`)].join(', ')}`);
}
