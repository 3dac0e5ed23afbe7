import { askNearest } from '../diag/near.ts';
import { commands, globalOptions } from '../options/options.ts';
import type { OptionSpec } from '../options/options.ts';

/** Commands of engines, and what does the same here. */
function otherwise(name: string): string | undefined {
  switch (name) {
    case 'stop':
      return 'rt kill ID ends a container';
    case 'rm':
      return 'rt delete ID removes a stopped container';
    case 'inspect':
      return 'rt state ID prints the state of a container';
    case 'top':
      return 'rt ps ID lists the processes of a container';
    case 'stats':
      return 'rt events --stats ID prints the usage of a container';
    case 'unpause':
      return 'rt resume ID continues a paused container';
    case 'logs':
      return 'rt keeps no logs: the standard output of rt run is that of the program';
    default:
      return undefined;
  }
}

export function commandHint(name: string): string | undefined {
  return otherwise(name) ?? askNearest(name, Object.keys(commands));
}

/** `global`: before the command. */
export function optionHint(name: string, specs: readonly OptionSpec[], global: boolean): string | undefined {
  const names = (of: readonly OptionSpec[]): string[] =>
    of.flatMap((spec) => (spec.hidden === true ? [] : [spec.long ?? spec.name]));
  if (!global && names(globalOptions).includes(name)) return `give --${name} before the command`;
  if (name === 'it' || name === 'ti' || name === 'interactive') {
    return 'a terminal is process.terminal in config.json, or --tty of exec; standard input is always passed on';
  }
  if (name === 'explain-denied') return 'only run and exec have it, in the foreground: somebody must answer the calls';
  return name.length > 1 ? askNearest(name, names(specs), (meant) => `--${meant}`) : undefined;
}
