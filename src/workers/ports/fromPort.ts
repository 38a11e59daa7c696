import { Observable } from 'rxjs';
import { createGate } from '../../flow/gate.ts';
import { settingsOf } from '../../internal/validation.ts';
import { openInput, Stage } from '../../ledger/stage.ts';
import { StageReporter } from '../../ledger/stageReporter.ts';
import type { Batch } from '../../model/batch.ts';
import { anEndpoint, type MessageEndpoint } from './endpoint.ts';
import { FROM_PORT_DEFAULTS, FROM_PORT_RULES, type FromPortOptions, type FromPortSettings } from './options.ts';
import { PortReceiver } from './receiver.ts';

const STAGE = 'fromPort';

/**
 * Receives the batches that {@link toPort} sends from another thread or process.
 *
 * ```
 * worker:  spanPipeline({ sink: toPort(parentPort, { send }) })
 *             │ batch 1, 2, …  ▲ credits, and how batch 1, 2, … ended
 * main:    merge(fromPort(worker1, { receive }), fromPort(worker2, { receive })).pipe(exportTo(otlpHttp()))
 * ```
 *
 * **Emits** each batch as it comes; its holds answer the other side: what `exportTo` settles, the sink over there answers. A batch that nobody holds has arrived. **Completes** when the other side has shut down its sink, or is gone: a
 * worker that ended, a port that was closed, a process that was started without `serialization: 'advanced'`. **Errors** never.
 * **Unsubscribed**, it takes no more, and answers what has come as it ends. The other side is told: what it sends from then on can be sent again.
 *
 * **Order**: that in which they were sent. **Bounds**: `maxBatches` are on their way or without an outcome; while the `gate` is closed, no new ones are asked for.
 *
 * **Loss**: `operatorFailed` if `receive` throws. What is lost behind it is answered, and the sink over there says what becomes of it.
 *
 * **Process**: it never keeps it alive.
 *
 * One sink sends to one subscription: give each pair a port, or a `channel`, of its own.
 *
 * @param endpoint the other end of that of `toPort`: a `MessagePort`, the `Worker` itself, a `ChildProcess`, a worker of `node:cluster`
 *
 * @throws InvalidOptionError when the endpoint is none, or an option is out of its range, or unknown
 *
 * @example
 * ```ts
 * const { Worker } = await import('node:worker_threads');
 * const workers = [1, 2].map(() => new Worker(new URL('file:///srv/app/worker.js')));
 * const receive = (bytes: Uint8Array) => decodeTraces(bytes);
 * merge(...workers.map((worker) => fromPort(worker, { receive })))
 *   .pipe(exportTo(otlpHttp()))
 *   .subscribe();
 * ```
 *
 * @see toPort, sumStats
 */
export function fromPort<T>(endpoint: MessageEndpoint, options: FromPortOptions<T> = {}): Observable<Batch<T>> {
  const defaults = { ...FROM_PORT_DEFAULTS, gate: createGate() } as Partial<FromPortSettings<T>>;
  const args = { endpoint: [endpoint, anEndpoint] } as const;
  const settings = settingsOf<FromPortSettings<T>>(STAGE, defaults, FROM_PORT_RULES, options, args);
  const stage = new Stage(settings.ledger, 'input', settings.name ?? STAGE);
  return new Observable((subscriber) => {
    new PortReceiver<T>(endpoint, subscriber, settings, new StageReporter<T>(openInput(stage), settings)).open();
  });
}
