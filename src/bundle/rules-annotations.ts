import type { Config } from '../../schema/generated/config.ts';
import { shown } from '../diag/pointer.ts';
import { ANNOTATIONS, annotationPointer, mountContexts } from './annotations.ts';
import type { Report, Rule } from './rule.ts';

export const annotationRules: readonly Rule[] = [names, values];

export const ineffectiveAnnotationRules: readonly Rule[] = [foreign];

/** config.md, "Annotations": names must not be empty. */
function names({ annotations }: Config, report: Report): void {
  if (annotations !== undefined && Object.hasOwn(annotations, '')) {
    report('annotation.name', '/annotations', 'annotations must not have an empty name');
  }
}

interface Expectation {
  readonly test: (value: string) => boolean;
  readonly words: string;
  readonly hint?: string;
}

// Annotations are less trusted than the rest of a config: none may choose a host file to write to, nor a file that an
// engine keeps in the bundle, such as config.json or address.
const logInBundle: Expectation = {
  test: (value) => /^[^/\0]+\.log$/.test(value) && value.length <= 255,
  words: 'the name of a file that ends in .log, without "/"',
  hint: 'rt makes it in the bundle',
};

const socketPath: Expectation = {
  test: (value) => value === '' || (value.startsWith('/') && !value.includes('\0') && !value.split('/').includes('..')),
  words: 'the absolute path of a socket, without ".."',
  hint: 'a process of the host must listen on it',
};

/** A cgroup cannot have the name of a file of the kernel. */
const isCgroupName = (name: string): boolean =>
  /^[A-Za-z0-9_.:@+-]{1,255}$/.test(name) && !/^(?:\.\.?$|cgroup\.)/.test(name);

const cgroupBelow: Expectation = {
  test: (value) =>
    value === '' ||
    value
      .replace(/^\/|\/$/g, '')
      .split('/')
      .every(isCgroupName),
  words: 'the path of a cgroup below that of the container',
  hint: 'use letters, digits and _.:@+- for the names of cgroups',
};

const expected: Readonly<Record<string, Expectation>> = {
  [ANNOTATIONS.delegateCgroup]: cgroupBelow,
  [ANNOTATIONS.hooksStderr]: logInBundle,
  [ANNOTATIONS.hooksStdout]: logInBundle,
  [ANNOTATIONS.keepGroups]: { test: (value) => value === '0' || value === '1', words: '0 or 1' },
  [ANNOTATIONS.mountContext]: {
    test: (value) => mountContexts.includes(value),
    words: `one of ${mountContexts.join(', ')}`,
  },
  [ANNOTATIONS.seccompReceiver]: socketPath,
  [ANNOTATIONS.systemdSubgroup]: cgroupBelow,
};

/** For the annotations that rt uses. */
function values({ annotations }: Config, report: Report): void {
  for (const [name, value] of Object.entries(annotations ?? {})) {
    const expectation = Object.hasOwn(expected, name) ? expected[name] : undefined;
    if (expectation === undefined || typeof value !== 'string' || expectation.test(value)) continue;
    const message = `the annotation ${name} must be ${expectation.words}, found ${shown(value)}`;
    report('annotation.value', annotationPointer(name), message, expectation.hint);
  }
}

/** Annotations of the peers that rt does not use; a prefix ends with a dot. */
const foreignNames: readonly string[] = [
  'krun.',
  'module.wasm.',
  'org.criu.config',
  'run.oci.handler',
  'run.oci.pidfd_receiver',
  'run.oci.systemd.force_cgroup_v1',
];

/** Unknown annotations must be ignored (config.md, "Annotations"), but the author of these expects an effect. */
function foreign({ annotations }: Config, report: Report): void {
  for (const name of Object.keys(annotations ?? {})) {
    if (!foreignNames.some((known) => (known.endsWith('.') ? name.startsWith(known) : name === known))) continue;
    report('annotation.foreign', annotationPointer(name), `the annotation ${name} has no effect`);
  }
}
