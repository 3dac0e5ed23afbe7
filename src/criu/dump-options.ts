import { Failure } from '../diag/diagnostic.ts';
import type { Context } from '../options/command.ts';
import { encodeMessage } from './protobuf.ts';
import type { Field } from './protobuf.ts';
import { OPTION } from './rpc.ts';

/** Options of a dump that depend on the command line alone, besides the common ones. */
export function dumpOptions({ options }: Context, preDump: boolean): Field[] {
  const flags = [
    [OPTION.leaveRunning, options['leave-running'] === true || preDump],
    [OPTION.tcpSkipInFlight, options['tcp-skip-in-flight'] === true],
    [OPTION.linkRemap, options['link-remap'] === true],
    [OPTION.trackMemory, preDump || options['parent-path'] !== undefined],
  ] as const;
  const parent = options['parent-path'];
  const status = options['status-fd'];
  return [
    ...flags.filter(([, value]) => value).map(([field]): Field => [field, true]),
    ...(parent === undefined ? [] : [[OPTION.parentImages, parent] as const]),
    ...(status === undefined || status < 0 ? [] : [[OPTION.statusDescriptor, status] as const]),
    ...pageServer(options['page-server']),
  ];
}

function pageServer(word: string | undefined): Field[] {
  if (word === undefined) return [];
  const found = /^(.*):(\d{1,5})$/.exec(word);
  if (found === null) throw new Failure({ code: 'checkpoint.server', message: 'Use --page-server ADDRESS:PORT' });
  const server = encodeMessage([
    [1, found[1] ?? ''],
    [2, Number(found[2])],
  ]);
  return [[OPTION.pageServer, server]];
}
