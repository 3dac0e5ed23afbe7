import type { Target } from './target.ts';
import { commandLine, state } from './targets/commands.ts';
import { config } from './targets/config.ts';
import { conversation, images, mountinfo } from './targets/criu.ts';
import { dbus } from './targets/dbus.ts';
import { json } from './targets/json.ts';
import { records } from './targets/records.ts';
import { seccomp } from './targets/seccomp.ts';

export const targets: readonly Target[] = [
  config,
  json,
  commandLine,
  state,
  records,
  dbus,
  conversation,
  images,
  mountinfo,
  seccomp,
];
