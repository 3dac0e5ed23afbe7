import { parseResources } from '../bundle/resources.ts';
import { checkRules } from '../bundle/rules.ts';
import { specVersion } from '../bundle/spec-version.ts';
import { validateConfig } from '../bundle/validate.ts';
import type { LinuxIntelRdt, LinuxResources } from '../../schema/generated/config.ts';
import { Failure } from '../diag/diagnostic.ts';
import type { Diagnostic } from '../diag/diagnostic.ts';
import { readFacts } from '../facts/facts.ts';
import { changeLimits } from '../container/change-limits.ts';
import { withSchemata } from '../launch/resctrl.ts';
import type { ContainerContext, Context, Outcome } from '../options/command.ts';
import type { Status } from '../container/status.ts';
import { changeContainer, findContainer } from '../container/find.ts';
import { readDocument } from '../options/document.ts';
import { resourcesOf } from '../options/update-options.ts';

/** Changes the limits of a container, all or none of those given. */
export function update(context: ContainerContext): Outcome {
  const { native, options } = context;
  requireProcesses(findContainer(context).status);
  const given =
    options.resources === undefined
      ? { resources: fromOptions(context), warnings: ignoredOptions(context) }
      : resourcesIn(context, options.resources);
  const warnings = [...given.warnings];
  const schemata = options.resources === undefined ? schemataOf(context) : undefined;
  changeContainer(context, requireProcesses, ({ cgroup, resctrl }) => {
    const change = (): void => {
      warnings.push(...changeLimits(native, readFacts(native), cgroup, given.resources));
    };
    if (schemata === undefined) change();
    else withSchemata(native, resctrl, schemata, change);
  });
  return { warnings };
}

function requireProcesses(status: Status): void {
  if (status === 'stopped' || status === 'creating') {
    throw new Failure({ code: 'update.status', message: 'container not running' });
  }
}

function resourcesIn({ native }: Context, file: string): ReturnType<typeof parseResources> {
  const { text, name } = readDocument(native, file, 'update.read');
  return parseResources(text, name);
}

function fromOptions({ options }: Context): LinuxResources {
  const resources = resourcesOf(options);
  // Without the pointers, since there is no document; swap is checked against the container's values.
  const { swap, ...memory } = resources.memory ?? {};
  const alone = memory.limit === undefined ? memory : { ...memory, ...(swap === undefined ? {} : { swap }) };
  const faults = checkRules({ ociVersion: specVersion, linux: { resources: { ...resources, memory: alone } } });
  if (faults.length > 0) {
    throw new Failure(
      faults.map(({ code, message }) => ({ code, message: message.replaceAll('linux.resources.', '') })),
    );
  }
  return resources;
}

/** Undefined if no option asks for them. */
function schemataOf({ options }: Context): LinuxIntelRdt | undefined {
  const { 'l3-cache-schema': l3CacheSchema, 'mem-bw-schema': memBwSchema } = options;
  if (l3CacheSchema === undefined && memBwSchema === undefined) return undefined;
  const intelRdt: LinuxIntelRdt = {
    ...(l3CacheSchema === undefined ? {} : { l3CacheSchema }),
    ...(memBwSchema === undefined ? {} : { memBwSchema }),
  };
  const faults = validateConfig({ ociVersion: specVersion, linux: { intelRdt } });
  if (faults.length === 0) return intelRdt;
  throw new Failure(faults.map(({ code, message }) => ({ code, message: message.replaceAll('linux.intelRdt.', '') })));
}

/** Kernel memory no longer has a separate limit (kernel 5.16, cgroup v2). */
function ignoredOptions({ options }: Context): Diagnostic[] {
  return (['kernel-memory', 'kernel-memory-tcp'] as const)
    .filter((name) => options[name] !== undefined)
    .map((name) => ({ code: 'update.ignored', message: `--${name} is ignored: it has no effect on current kernels` }));
}
