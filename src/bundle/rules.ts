import type { Config } from '../../schema/generated/config.ts';
import type { Diagnostic } from '../diag/diagnostic.ts';
import { shown } from '../diag/pointer.ts';
import { annotationRules, ineffectiveAnnotationRules } from './rules-annotations.ts';
import { linuxRules } from './rules-linux.ts';
import { mountRules } from './rules-mounts.ts';
import { namespaceRules } from './rules-namespaces.ts';
import { netDeviceRules } from './rules-net-devices.ts';
import { ineffectiveProcessRules, processRules } from './rules-process.ts';
import { resctrlRules } from './rules-resctrl.ts';
import { ineffectiveSchedulingRules, schedulingRules } from './rules-scheduling.ts';
import { ineffectiveSeccompRules, seccompRules } from './rules-seccomp.ts';
import type { Report, Rule } from './rule.ts';
import { each, isAbsolute } from './rule.ts';

/** The rules that a JSON schema cannot express, in the order of reports. */
const rules: readonly Rule[] = [
  version,
  root,
  ...processRules,
  ...schedulingRules,
  ...mountRules,
  hookPaths,
  ...annotationRules,
  ...namespaceRules,
  ...linuxRules,
  ...netDeviceRules,
  ...resctrlRules,
  ...seccompRules,
];

/** The faults of a config that the schema accepts. Array elements that are null are skipped. */
export function checkRules(config: Config): Diagnostic[] {
  return collect(rules, config);
}

/** Valid settings that have no effect, of a config without faults. */
const ineffective: readonly Rule[] = [
  ...ineffectiveProcessRules,
  ...ineffectiveSchedulingRules,
  ...ineffectiveAnnotationRules,
  ...ineffectiveSeccompRules,
];

/** The settings of a config without faults that have no effect, with the reason: `create` warns of them. */
export function ineffectiveSettings(config: Config): Diagnostic[] {
  return collect(ineffective, config);
}

/**
 * The properties that a container needs but that the specification does not require of a valid config: they are needed
 * only at create or start. Also for configs that the schema refuses.
 */
export function checkRequirements(config: Config): Diagnostic[] {
  return collect([rootThere, processArgs, versionKnown], config);
}

/** What the rules report about a config. */
export function collect(list: readonly Rule[], config: Config): Diagnostic[] {
  const faults: Diagnostic[] = [];
  const report: Report = (code, pointer, message, hint) => {
    faults.push(hint === undefined ? { code, pointer, message } : { code, pointer, message, hint });
  };
  for (const rule of list) rule(config, report);
  return faults;
}

/** config.md, "Specification version": SemVer 2.0.0. */
function version({ ociVersion }: Config, report: Report): void {
  if (ociVersion === undefined || /^\d+\.\d+\.\d+(?:[-+][0-9A-Za-z.+-]+)?$/.test(ociVersion)) return;
  report('config.version', '/ociVersion', `ociVersion must be a version such as 1.3.0, found ${shown(ociVersion)}`);
}

function versionKnown({ ociVersion }: Config, report: Report): void {
  if (typeof ociVersion !== 'string' || ociVersion.startsWith('1.') || !/^\d+\./.test(ociVersion)) return;
  const message = `ociVersion ${shown(ociVersion)} is not supported: rt implements version 1 of the specification`;
  report('config.version', '/ociVersion', message, 'write the config for runtime-spec 1.0.0 or later');
}

function root(config: Config, report: Report): void {
  if (config.root?.path === '') report('root.path', '/root/path', 'invalid rootfs: root.path must not be empty');
}

function rootThere(config: Config, report: Report): void {
  if (config.root === undefined) report('root.missing', '/root', 'root must be specified');
}

/** config.md, "Process": required only by `start`. */
function processArgs({ process }: Config, report: Report): void {
  if (typeof process === 'object' && process !== null && process.args === undefined) {
    report('process.args', '/process/args', 'args must not be empty: process.args is missing');
  }
}

function hookPaths({ hooks }: Config, report: Report): void {
  if (hooks === undefined) return;
  const { prestart, createRuntime, createContainer, startContainer, poststart, poststop } = hooks;
  const kinds = { prestart, createRuntime, createContainer, startContainer, poststart, poststop };
  for (const [kind, list] of Object.entries(kinds)) {
    each(list, ({ path }, index) => {
      if (path === undefined || isAbsolute(path)) return;
      const place = `hooks.${kind}[${index}].path`;
      report('hook.path', `/hooks/${kind}/${index}/path`, `${place} must be an absolute path, found ${shown(path)}`);
    });
  }
}
