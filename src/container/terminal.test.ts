import { constants } from 'node:os';
import t from 'tap';
import { Failure } from '../diag/diagnostic.ts';
import type { Native } from '../host/native.ts';
import { ENOENT } from '../kernel/errno.ts';
import { SOCK_STREAM } from '../kernel/sockets.ts';
import { giveMaster, openConsole } from './terminal.ts';
import type { Console } from './terminal.ts';

/** A caller with these `terminals`, and an engine that listens at the path `listening`. */
function host(terminals: readonly number[], listening = ''): { native: Native; calls: string[] } {
  const calls: string[] = [];
  const native: Partial<Native> = {
    isTerminal: (fd) => Number(terminals.includes(fd)),
    open: (path) => (path === '/dev/tty' && terminals.includes(-1) ? 9 : -constants.errno.ENXIO),
    connect: (path, type) => (path === listening && type === SOCK_STREAM ? 20 : -ENOENT),
    sendDescriptor: (socket, fd, text) => calls.push(`send ${socket} ${fd} ${text}`) * 0,
    matchTerminal: (master, console) => calls.push(`match ${master} ${console}`) * 0,
    close: (fd) => calls.push(`close ${fd}`) * 0,
  };
  return { native: native as Native, calls };
}

function outcome(terminals: readonly number[], terminal: boolean, detach: boolean, socket?: string): Console | string {
  try {
    return openConsole(host(terminals, '/bundle/sock').native, { terminal }, socket, detach, '/bundle');
  } catch (error) {
    if (error instanceof Failure) return error.diagnostics[0]?.message ?? '';
    throw error;
  }
}

t.test('destination of a terminal', async (t) => {
  t.same(outcome([], false, true), { kind: 'none' });
  t.same(outcome([], false, false), { kind: 'none' });
  t.same(outcome([], true, true, 'sock'), { kind: 'socket', socket: 20 });
  t.same(outcome([], true, true, '/bundle/sock'), { kind: 'socket', socket: 20 });
  t.same(outcome([0, 1, 2], true, false), { kind: 'relay', console: 2, master: -1 });
  t.same(outcome([0, 1], true, false), { kind: 'relay', console: 1, master: -1 });
  t.same(outcome([-1], true, false), { kind: 'relay', console: 9, master: -1 });
});

t.test('refused combinations', async (t) => {
  t.equal(outcome([0], true, true), 'cannot allocate tty if rt will detach without setting console socket');
  const unusable = 'cannot use console socket if rt will not detach or allocate tty';
  t.equal(outcome([0], true, false, 'sock'), unusable);
  t.equal(outcome([0], false, true, 'sock'), unusable);
  t.equal(outcome([0], false, false, 'sock'), unusable);
  t.match(outcome([], true, true, '/absent'), 'console socket "/absent": no such file or directory');
  t.equal(outcome([], true, false), 'open /dev/tty: no such device or address');
});

t.test('the master is sent, or set up like the terminal of the caller', async (t) => {
  const engine = host([]);
  giveMaster(engine.native, { kind: 'socket', socket: 20 }, 7);
  t.same(engine.calls, ['send 20 7 /dev/pts/ptmx', 'close 20', 'close 7']);
  const caller = host([0]);
  const relay: Console = { kind: 'relay', console: 0, master: -1 };
  giveMaster(caller.native, relay, 7);
  t.same(caller.calls, ['match 7 0']);
  t.equal(relay.master, 7);
});
