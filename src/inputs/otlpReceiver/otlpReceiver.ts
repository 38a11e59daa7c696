import type { OtlpReceiver } from './api.ts';
import { type OtlpReceiverOptions, receiverSettings } from './options.ts';
import { Receiver } from './receiver.ts';

/**
 * Receives OTLP from other programs, over HTTP and gRPC: spans, log records and data points, in batches that are answered by their holds.
 *
 * ```
 *  POST /v1/traces ──▶ admitted? ──▶ body ──▶ checked ──▶ queue ──▶ traces$ ──▶ your operators ──▶ exportTo
 *                         │ no                   │ no                                                  │
 *  401 404 413 415 ◀──────┘        400 413 ◀─────┘        200, partial success, 429, 503 ◀── hold.settle(tally)
 * ```
 *
 * **Emits** one batch for each request that holds items, while the gate is open and no holder of an earlier one waits; until then it is in the queue.
 * **Completes** at the shutdown, when the queue is empty. It never errors.
 * **Unsubscribed** by all, requests are refused with 503 until somebody subscribes; before the first subscription with 404. What is queued waits for the next subscriber.
 *
 * **Answers**: with `acknowledge: 'accepted'` when a request is in the queue, with `'delivered'` when each holder of its batch has settled it; a batch that nobody holds is answered at once. The README of its folder has the tables: what is answered when, and what is lost when.
 *
 * **Order**: that in which requests have come as a whole.
 *
 * **Loss**: what is refused is the sender's to send again, and is counted as `refused` where it was read already (`queueFull`, `tooLarge`). Of what was answered it loses only `shutdown`, what waits in the queue when the time for the shutdown is over, and `leaseExpired`.
 *
 * @throws InvalidOptionError when an option is out of its range, or unknown
 *
 * @example
 * ```ts
 * const { otlpReceiver } = await import('spanflow/receiver');
 * const receiver = otlpReceiver({ http: { port: 0 }, acknowledge: 'delivered' });
 * receiver.traces$.pipe(rebatch(), exportTo(toConsole())).subscribe();
 * const { http } = await receiver.listen();
 * console.log(`send to ${http?.url}`);
 * await receiver.shutdown();
 * ```
 *
 * @see rebatch
 */
export function otlpReceiver(options: OtlpReceiverOptions = {}): OtlpReceiver {
  return new Receiver(receiverSettings(options));
}
