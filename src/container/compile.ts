import { loadBundle } from '../bundle/load.ts';
import type { LoadedConfig, RunnableConfig } from '../bundle/load.ts';
import { likelyMistakes } from '../bundle/unknown.ts';
import { Failure } from '../diag/diagnostic.ts';
import { withLocations } from '../diag/failure.ts';
import type { Diagnostic } from '../diag/diagnostic.ts';
import { expectResult, pathFailure } from '../diag/system.ts';
import { phase } from '../diag/trace.ts';
import { readFacts } from '../facts/facts.ts';
import type { Facts } from '../facts/facts.ts';
import type { Native } from '../host/native.ts';
import { plan } from '../plan/index.ts';
import { keyringName } from '../plan/keyring.ts';
import type { UserManager } from '../plan/cgroup/unit.ts';
import type { SmallMounts } from '../plan/small-mounts.ts';
import type { CgroupManager, Plan, PlanOptions } from '../plan/plan.ts';
import type { WatchMode } from '../plan/seccomp/watched.ts';
import type { Context } from '../options/command.ts';
import { readUserManager } from '../systemd/units.ts';
import { absolutePath } from '../state/root.ts';

export interface Compiled extends CompiledConfig {
  /** The config as text, to be saved beside the state. */
  readonly saved: string;
  /** The same, but the mount namespace is to begin as a copy of the host's. */
  readonly copying: () => Compiled;
}

export interface CompiledConfig {
  /** Absolute, without symbolic links. */
  readonly bundle: string;
  readonly config: RunnableConfig;
  readonly plan: Plan;
  /** The name of the container's session keyring, if it gets one. */
  readonly keyring: string | undefined;
  /** Adds the positions in the config's text to the diagnostics of a failure. */
  readonly locate: (failure: Failure) => Failure;
  /** Those of the plan, with their positions; `mistakesIn` finds more. */
  readonly warnings: readonly Diagnostic[];
}

/** Resources that the runtime passes on, and values that differ per container. */
interface Surroundings {
  readonly env?: readonly string[];
  readonly notify?: string | undefined;
  /** Absent if nothing is made. */
  readonly nonce?: string;
  readonly watch?: WatchMode | undefined;
  readonly smallMounts?: SmallMounts | undefined;
}

/** Makes an unguessable name. */
export function nonce(native: Native): string {
  return expectResult(native.nonce(), 'host.random', 'cannot get random bytes', 'getrandom');
}

/** Reads the bundle named by the options and compiles the plan for a container `id`. No side effects. */
export function compile(
  context: Context,
  id: string,
  awaitStart: 'socket' | 'control',
  surroundings: Surroundings = {},
): Compiled {
  const bundle = bundleDirectory(context);
  const loaded = loadBundle(context.native, bundle, context.options.config);
  const compiled = (from: Surroundings): Compiled => ({
    ...compileConfig(context, bundle, loaded, id, awaitStart, from),
    saved: loaded.saved,
    copying: () => compiled({ ...from, smallMounts: 'never' }),
  });
  return compiled(surroundings);
}

/** As compile, for a config that has been read. */
export function compileConfig(
  context: Context,
  bundle: string,
  { config, text, name }: LoadedConfig,
  id: string,
  awaitStart: 'socket' | 'control',
  { nonce: unique = '', ...from }: Surroundings = {},
): CompiledConfig {
  const { native, options } = context;
  if (awaitStart === 'control' && config.process === undefined) throw missingProcess();
  const locate = (failure: Failure): Failure => withLocations(failure, text, name);
  const keyring = options['no-new-keyring'] === true ? undefined : keyringName(id, unique);
  try {
    const facts = readFacts(native);
    const planOptions: PlanOptions = {
      id,
      bundle,
      keyring,
      pivot: options['no-pivot'] !== true,
      ...from,
      awaitStart,
      rootless: rootlessOf(context.globals.rootless),
      cgroupManager: managerOf(context.globals),
      userManager: userManagerOf(context, facts),
    };
    const compiled = phase('plan', () => plan(config, facts, planOptions));
    const { warnings } = compiled;
    return { bundle, config, plan: compiled, keyring, locate, warnings: withPositions({ locate }, warnings) };
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    throw locate(error);
  }
}

/** The specification allows it to be missing until `start`, which is part of `run`. */
function missingProcess(): Failure {
  return new Failure({
    code: 'process.missing',
    message: 'process property must not be empty',
    hint: 'add "process" with "args" to config.json',
  });
}

/** The folder of --bundle, absolute and without symbolic links. */
export function bundleDirectory({ native, options }: Context): string {
  const directory = options.bundle ?? '.';
  const found = native.realPath(directory);
  if (typeof found === 'string') return found;
  const path = absolutePath(native, directory);
  throw pathFailure(native, 'bundle.open', `cannot open bundle "${directory}"`, 'realpath', found, path);
}

/** The members of its config that are probably misspelt, with their positions: apart, since no plan depends on them. */
export function mistakesIn(compiled: Compiled): readonly Diagnostic[] {
  return withPositions(compiled, likelyMistakes(compiled.config));
}

/** Warnings with their positions in the config. */
export function withPositions(
  { locate }: Pick<Compiled, 'locate'>,
  found: readonly Diagnostic[],
): readonly Diagnostic[] {
  return found.length === 0 ? found : locate(new Failure(found)).diagnostics;
}

function managerOf(globals: Context['globals']): CgroupManager {
  const systemd = globals['systemd-cgroup'] === true;
  const name = globals['cgroup-manager'] ?? (systemd ? 'systemd' : 'cgroupfs');
  if (name === 'systemd') return name;
  if (systemd) {
    throw new Failure({ code: 'cgroup.manager', message: `--systemd-cgroup contradicts --cgroup-manager ${name}` });
  }
  return name === 'disabled' ? name : 'cgroupfs';
}

/** Root of the host uses its systemd, unless --rootless true. */
function userManagerOf({ native, globals }: Context, { user }: Facts): UserManager | undefined {
  if (managerOf(globals) !== 'systemd') return undefined;
  const { uid, initial } = user;
  const rootless = rootlessOf(globals.rootless);
  if (rootless === 'false' || (uid === 0 && initial && rootless !== 'true')) return undefined;
  return readUserManager(native, user);
}

function rootlessOf(value: string | undefined): 'true' | 'false' | 'auto' {
  return value === 'true' || value === 'false' ? value : 'auto';
}
