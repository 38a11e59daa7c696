import { aFunction, optional, settingsOf } from '../internal/validation.ts';
import type { Relay } from './api.ts';
import { planOf } from './config/plan.ts';
import { OWNER, type RelayConfig, type RelayOptions } from './options.ts';
import { RunningRelay } from './runningRelay.ts';

/**
 * Takes OTLP in, processes it, and sends it to one or more backends: what `spanflow relay` runs, for a program of your own.
 *
 * ```
 *  OTLP/HTTP ─┐                ┌─ traces$  ─▶ drop, redact, enrich ─▶ (spanMetrics) ─▶ (tailSample) ─▶ batches ─┐
 *             ├▶ otlpReceiver ─┼─ metrics$ ─▶ batches ────────────────────────────────────────────────────────────┼▶ exportTo, fanOut
 *  OTLP/gRPC ─┘                └─ logs$    ─▶ batches ───────────────────────────────────────────────────────────┘
 * ```
 *
 * Nothing runs before `listen`, but the whole configuration is checked, and all of its mistakes are told at once.
 *
 * **Order**: that in which requests have come, for each signal, as far as batches are not tried again.
 *
 * **Loss**: that of its stages, each counted in `stats()`. With `acknowledge: 'delivered'` a request is answered 200 when each required destination has it; what is lost, its sender is told. The README of its folder says what is lost when.
 *
 * @param config what it does, as a plain object
 * @param options what a configuration file cannot hold: a composition of your own
 *
 * @throws InvalidOptionError with all mistakes, each by its path: `relay.send.main.url`
 *
 * @example
 * ```ts
 * const { relay } = await import('spanflow/relay');
 * const gateway = relay({
 *   receive: { http: { port: 0 }, acknowledge: 'delivered' },
 *   process: { redact: { keys: ['http.request.header.authorization'] } },
 *   send: { main: { url: 'http://localhost:4318' } },
 * });
 * const { http } = await gateway.listen();
 * console.log(`send to ${http?.url}`);
 * const { lost } = await gateway.shutdown();
 * console.log(lost);
 * ```
 *
 * @see runPipeline
 */
export function relay(config: RelayConfig, options: RelayOptions = {}): Relay {
  const rules = { compose: optional(aFunction), onFailure: optional(aFunction) };
  const { compose, onFailure = () => {} } = settingsOf<RelayOptions>(`${OWNER} options`, {}, rules as never, options);
  return new RunningRelay(config, planOf(config, compose), compose, onFailure);
}
