import { pointerPart } from '../../diag/pointer.ts';
import type { LimitWriter } from './limits.ts';

/**
 * Files without a controller that set a limit. The other files of the cgroup core move, freeze or kill processes, or
 * enable controllers, which is the job of the runtime.
 */
const coreFiles: readonly string[] = ['cgroup.max.descendants', 'cgroup.max.depth', 'cgroup.pressure'];

/**
 * `linux.resources.unified`: files of the container's cgroup and their values; a value of several lines is written line
 * by line (runtime-spec config-linux.md, "Unified").
 */
export function unifiedSettings(
  values: Readonly<Record<string, string>>,
  writer: LimitWriter,
  available: (controller: string) => boolean,
  directory: string,
): void {
  for (const [file, value] of Object.entries(values)) {
    const from = `/linux/resources/unified/${pointerPart(file)}`;
    const controller = file.slice(0, Math.max(0, file.indexOf('.')));
    const isCore = coreFiles.includes(file);
    if (!/^[a-z_]+(?:\.[A-Za-z0-9_-]+)+$/.test(file) || (controller === 'cgroup' && !isCore)) {
      const hint = 'name a file of a controller, such as memory.high';
      writer.fault('cgroup.unified', `unified resource "${file}" is not a setting of a controller`, from, hint);
      continue;
    }
    if (!isCore && !available(controller)) {
      const message = `unified resource "${file}" can't be set: controller "${controller}" not available`;
      writer.fault('cgroup.unified', message, from);
      continue;
    }
    for (const data of value.split('\n')) {
      if (data === '') continue;
      if (isCore) writer.ops.push({ op: 'write_file', path: `${directory}/${file}`, data, ignore: 0, from });
      else writer.write({ file, data, from });
    }
  }
}
