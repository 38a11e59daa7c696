/// <reference path="./undiciParts.d.ts" />

import { Subscription } from 'rxjs';
import type { Client, Dispatcher } from 'undici';
import { monotonicScheduler } from '../../../internal/scheduler.ts';
import { after, outsideAnyContext } from '../../../internal/timers.ts';
import { untraced } from '../../../internal/tracingSuppression.ts';
import { messageOf } from '../../../model/errors.ts';
import { ExportError } from '../../../model/sink.ts';

export type Undici = Pick<typeof import('undici'), 'Client' | 'buildConnector'>;

/** By then most programs have started, and few have exported yet. */
const DELAY_MILLIS = 80;
/** Then a timer of this length tells whether the event loop is busy. */
const PROBE_MILLIS = 20;
/** If it fires later than this, it is. */
const MAX_LATENESS_MILLIS = 5;

let timer = Subscription.EMPTY; // until undici is loaded
let isLoading = false; // or loaded

/**
 * Loads of undici what is used, which holds the event loop for some 25 ms the first time, most of it for `node:http` and `node:tls`. The whole of undici, with `fetch`, caches and web sockets, would take twice as
 * long. So no import of spanflow loads it, and package.json asks for the one minor version that has these paths.
 */
export function loadUndici(): Promise<Undici> {
  isLoading = true;
  timer.unsubscribe();
  return outsideAnyContext(() => untraced(parts)).catch(notLoaded);
}

/** What asks a proxy for a tunnel. */
export async function loadTunnel(): Promise<
  (client: Client, options: Omit<Dispatcher.ConnectOptions, 'origin'>) => Promise<Dispatcher.ConnectData>
> {
  const { default: connect } = await import('undici/lib/api/api-connect.js');
  return (client, options) => connect.call(client, options);
}

/** Bun has a stand-in for the name `undici`, which sends nothing. By these paths it is the package. */
async function parts(): Promise<Undici> {
  const [client, connect] = await Promise.all([
    import('undici/lib/dispatcher/client.js'),
    import('undici/lib/core/connect.js'),
  ]);
  return { Client: client.default, buildConnector: connect.default };
}

/** A runtime does not load a module again that could not be loaded. */
function notLoaded(cause: unknown): never {
  const said = messageOf(cause);
  const step = said.includes('require')
    ? '; an ES module that esbuild makes needs a `require`, or undici outside of it: see "Where it runs" in the README of spanflow'
    : '';
  throw new ExportError({ kind: 'permanent' }, `undici cannot be loaded: ${said}${step}`, { cause });
}

/** Loads undici in a moment in which the event loop is not busy, so that the first export need not. It does not keep the process alive. */
export function loadUndiciWhenIdle(): void {
  if (isLoading) return;
  timer.unsubscribe();
  // The clock is first read when the program has started: Node loads `node:perf_hooks` for it.
  timer = after(monotonicScheduler, DELAY_MILLIS, probe);
}

function probe(): void {
  const dueMillis = monotonicScheduler.now() + PROBE_MILLIS;
  timer = after(monotonicScheduler, PROBE_MILLIS, () => {
    if (monotonicScheduler.now() > dueMillis + MAX_LATENESS_MILLIS) return probe();
    // The first export reports a failure.
    loadUndici().catch(() => {});
  });
}
