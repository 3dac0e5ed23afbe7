import { loadBundle } from '../bundle/load.ts';
import { parseSavedConfig } from '../bundle/process.ts';
import type { Config } from '../../schema/generated/config.ts';
import { bundleDirectory } from '../container/compile.ts';
import { statusOf } from '../container/status.ts';
import { printable } from '../diag/printable.ts';
import { describeConfig } from '../explain/describe.ts';
import { explanationData, explanationText } from '../explain/render.ts';
import type { Source } from '../explain/render.ts';
import type { Context, Outcome } from '../options/command.ts';
import { ContainerDirectory } from '../state/directory.ts';
import { checkId } from '../state/id.ts';
import { stateRoot } from '../state/root.ts';
import { requireRecord, savedConfig } from '../state/store.ts';

interface Subject {
  readonly config: Config;
  readonly source: Source;
  readonly bundle: string;
  /** Of a container that exists. */
  readonly id?: string;
  readonly status?: string;
}

/** Tells in words what a bundle, or a container with the config with which it was made, is and may do. */
export function explainConfig(context: Context): Outcome {
  const [id] = context.operands;
  const { config, source, ...about } = id === undefined ? ofBundle(context) : ofContainer(context, id);
  const explanation = describeConfig(config);
  if (context.options.format === 'json') {
    return { output: `${JSON.stringify({ ...about, ...explanationData(explanation, source) }, null, 2)}\n` };
  }
  const { bundle, status } = about;
  const title = id === undefined ? `Bundle ${bundle}` : `Container ${id}, ${status ?? ''}, of the bundle ${bundle}`;
  return { output: `${printable(title)}\n${explanationText(explanation, source)}\n` };
}

function ofBundle(context: Context): Subject {
  const { native, options } = context;
  const bundle = bundleDirectory(context);
  const { config, text } = loadBundle(native, bundle, options.config);
  return { config, source: { text, name: options.config ?? 'config.json' }, bundle };
}

function ofContainer({ native, globals }: Context, id: string): Subject {
  checkId(id);
  const root = stateRoot(native, globals.root).path;
  return ContainerDirectory.use(native, root, id, (directory) => {
    const record = requireRecord(directory);
    const { text, path } = savedConfig(directory);
    const config = parseSavedConfig(text, path);
    const status = statusOf(native, directory, record);
    return { config, source: { text, name: path }, bundle: record.bundle, id, status };
  });
}
