import { version } from '../../package.json';
import { specVersion } from '../bundle/spec-version.ts';

export { version };

/** Commit of the source tree, set by the bundler; absent if the sources run unbundled. */
declare const RT_COMMIT: string | undefined;

/** crun's words for what was built in, by which scripts choose a runtime. */
const features = ['SYSTEMD', 'SELINUX', 'APPARMOR', 'CAP', 'SECCOMP', 'EBPF', 'CRIU'];

/**
 * Output of `rt --version`. Engines split the line that contains the word `version` at that word, so no
 * other line may contain it.
 */
export function versionText(): string {
  return `rt version ${version}\ncommit: ${commit()}\nspec: ${specVersion}\n${features.map((word) => `+${word}`).join(' ')}\n`;
}

export function commit(): string {
  return typeof RT_COMMIT === 'string' ? RT_COMMIT : 'unknown';
}
