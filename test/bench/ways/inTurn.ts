import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { firstValueFrom, Subject } from 'rxjs';
import { Pool } from 'undici';
import { exportTo, type Outcome, otlpHttp } from '../../../src/index.ts';
import { encodeTraces } from '../../../src/otlp/index.ts';
import type { Setting, Way } from './way.ts';

/** One request per span, awaited in turn. */
export const oneByOne: Way = (setting) => {
  const sink = otlpHttp({ url: setting.url });
  const spans$ = new Subject<ReadableSpan[]>();
  const outcomes$ = new Subject<Outcome<ReadableSpan>>();
  spans$.pipe(exportTo(sink, { concurrency: 1 })).subscribe(outcomes$);
  const send = async (span: ReadableSpan) => {
    const outcome = firstValueFrom(outcomes$);
    spans$.next([span]);
    await outcome;
  };
  return inTurn(setting, send, async () => sink.shutdown?.());
};

/** The HTTP round trip alone: undici, and a body of one span that was encoded beforehand. */
export const roundTrip: Way = (setting) => {
  const { origin, pathname: path } = new URL(setting.url);
  const pool = new Pool(origin, { connections: 1, pipelining: 1 });
  const body = encodeTraces(setting.spans.slice(0, 1));
  const headers = { 'content-type': 'application/x-protobuf', 'content-length': String(body.length) };
  const send = async () => {
    const answer = await pool.request({ method: 'POST', path, headers, body });
    await answer.body.dump();
  };
  return inTurn(setting, send, () => pool.close());
};

function inTurn(
  { spans, acknowledged, isOpen }: Setting,
  send: (span: ReadableSpan) => Promise<void>,
  close: () => Promise<void>,
): () => Promise<number> {
  let sent = 0;
  const sending = (async () => {
    while (isOpen()) {
      const startedMillis = performance.now();
      await send(spans[sent++ % spans.length] as ReadableSpan);
      acknowledged.add(1, performance.now() - startedMillis);
    }
  })();
  return async () => {
    await sending;
    await close();
    return sent;
  };
}
