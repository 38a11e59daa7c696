import { Observable } from 'rxjs';
import { settingsOf } from '../../internal/validation.ts';
import type { ObservableSink } from '../../model/sink.ts';
import { anEndpoint, type MessageEndpoint } from './endpoint.ts';
import { TO_PORT_DEFAULTS, TO_PORT_RULES, type ToPortOptions, type ToPortSettings } from './options.ts';
import { PortSender } from './sender.ts';

/**
 * A sink that sends batches over a port to another thread or process, where {@link fromPort} receives them: so the spans of many workers leave through one pipeline.
 *
 * A batch is sent when the other side has given a credit, and its answer is how the batch ended there. So both sides are bounded, and what the backend's pipeline says reaches the one who made the span:
 *
 * | there | here |
 * |---|---|
 * | delivered | delivered |
 * | rejected, or lost in part | rejected, with the reasons in the message |
 * | lost as a whole: `permanent`, `tooLarge`, `unencodable`, `operatorFailed` | `permanent`: it is not sent again |
 * | lost as a whole: `unconfirmed`, `leaseExpired`, `workerCrashed` | unknown: it is sent again, and may arrive twice |
 * | lost as a whole for another reason (`queueFull`, `shutdown`, `retriesExhausted`, …) | it may be sent again |
 * | nobody holds it | delivered: it has arrived there |
 * | the other side dies, or the port is closed | unknown for what was sent; what was not can be sent again, and is refused at once while nobody is there |
 * | bytes do not come through: a process without `serialization: 'advanced'` | it may be sent again, but is refused at once, with that as the reason; OpenTelemetry's `diag` is told on both sides |
 *
 * **Process**: the port keeps it alive while a batch waits for its credit or its answer, and not otherwise. Somebody else's listener on the same port keeps it alive as before.
 *
 * **Shutdown**: tells the other side that nothing more comes, so that its stream completes. The port stays open.
 *
 * @param endpoint a `MessagePort` (in a worker, `parentPort`), a `Worker`, or a process with an IPC channel that was started with `serialization: 'advanced'` (in a child, `process`)
 *
 * @throws InvalidOptionError when the endpoint is none, or an option is out of its range, or unknown
 *
 * @example
 * ```ts
 * // In a worker thread: spans leave encoded, through the pipeline of the main thread.
 * const { parentPort } = await import('node:worker_threads');
 * const send = (spans: readonly ReadableSpan[]) => encodeTraces(spans);
 * if (parentPort !== null) spanPipeline({ sink: toPort(parentPort, { send }) });
 * ```
 *
 * @see fromPort
 */
export function toPort<T>(endpoint: MessageEndpoint, options: ToPortOptions<T> = {}): ObservableSink<T> {
  const args = { endpoint: [endpoint, anEndpoint] } as const;
  const settings = settingsOf<ToPortSettings<T>>('toPort', TO_PORT_DEFAULTS, TO_PORT_RULES, options, args);
  const sender = new PortSender<T>(endpoint, settings);
  return {
    name: settings.name,
    attemptTimeoutMillis: settings.attemptTimeoutMillis,
    component: { type: 'toPort' },
    export: (batch, attempt) => new Observable((subscriber) => sender.send(batch, attempt, subscriber)),
    shutdown: async () => sender.end(),
  };
}
