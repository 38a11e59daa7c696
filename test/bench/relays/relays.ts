import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { map, mergeMap, type Observable, Subject } from 'rxjs';
import { type Batch, exportTo, otlpHttp, rebatch } from '../../../src/index.ts';
import { otlpReceiver } from '../../../src/inputs/otlpReceiver/index.ts';
import { decodeTraces } from '../../../src/otlp/index.ts';
import { attributeOf, spanMetrics } from '../../../src/processors/index.ts';
import { httpIntake, proxy } from './plain.ts';

export type RelayName = 'bytes' | 'views' | 'filter' | 'spanMetrics' | 'decoded';

export interface RelaySettings {
  /** Of the backend. */
  readonly url: string;
  /** Whether a sender is answered with what became of its spans, and not when they have come. */
  readonly isAnsweredLate: boolean;
}

/** Opens a relay, and returns the origin that it listens on. */
export const relays: Readonly<Record<RelayName, (settings: RelaySettings) => Promise<string>>> = {
  bytes: ({ url }) => proxy(url),
  views: (settings) => received(settings, (traces$) => traces$),
  filter: (settings) =>
    received(settings, (traces$) => traces$.pipe(map(({ items }) => items.filter(isNoHealthCheck)))),
  spanMetrics: (settings) =>
    received(settings, (traces$) => {
      traces$
        .pipe(
          mergeMap(({ items }) => items),
          spanMetrics(),
        )
        .subscribe();
      return traces$;
    }),
  decoded: ({ url }) => {
    const batches$ = new Subject<readonly ReadableSpan[]>();
    sendOn(batches$, url, {});
    return httpIntake((body) => batches$.next(decodeTraces(body)));
  },
};

type Traces = Observable<Batch<ReadableSpan> | readonly ReadableSpan[]>;

/** Less than the default where a sender waits for as long. */
const SHORT_DELAY_MILLIS = 20;

async function received(
  { url, isAnsweredLate }: RelaySettings,
  processed: (traces$: Observable<Batch<ReadableSpan>>) => Traces,
): Promise<string> {
  const receiver = otlpReceiver({ http: { port: 0 }, acknowledge: isAnsweredLate ? 'delivered' : 'accepted' });
  sendOn(processed(receiver.traces$), url, isAnsweredLate ? { scheduledDelayMillis: SHORT_DELAY_MILLIS } : {});
  const { http } = await receiver.listen();
  return http?.url ?? '';
}

function sendOn(batches$: Traces, url: string, options: { scheduledDelayMillis?: number }): void {
  batches$.pipe(rebatch(options), exportTo(otlpHttp({ url, environment: {} }))).subscribe();
}

/** True of all that is sent: everything is passed on, so each relay sends as much. */
function isNoHealthCheck(span: ReadableSpan): boolean {
  return attributeOf(span, 'http.route') !== '/health';
}
