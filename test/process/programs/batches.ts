import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getHeapSpaceStatistics } from 'node:v8';
import { Observable, Subject } from 'rxjs';
import { exportTo, otlpHttp, type Response, type Sink } from '../../../src/index.ts';
import { spanWith } from '../../support/spans.ts';
import { input, report, turn } from './kit.ts';

/** Exports batches one after another. When one is over, the young generation is collected: what of it is held nevertheless is moved to the old one, whose growth is told. */

export interface BatchesInput {
  readonly to: 'a sink of its own' | 'otlpHttp';
}

const { to } = input<BatchesInput>();
const collectYoung = globalThis.gc as unknown as (how: { type: 'minor' }) => void;

const BATCHES = 60;
/** Of which the first are not counted: they compile. */
const WARM_UP = 20;
const SPANS = 1_000;

const backend = createServer((request, response) => request.resume().on('end', () => response.end()));
await new Promise<void>((resolve) => backend.listen(0, '127.0.0.1', resolve));
const url = `http://127.0.0.1:${(backend.address() as AddressInfo).port}/v1/traces`;
const sink = to === 'otlpHttp' ? otlpHttp({ url, environment: {} }) : sinkOfItsOwn();
const batches$ = new Subject<ReturnType<typeof spanWith>[]>();
let ended: (delivered: number) => void = () => {};
batches$.pipe(exportTo(sink)).subscribe(({ delivered }) => ended(delivered));

let deliveredSpans = 0;
let oldBytes = 0;
for (let batch = 0; batch < BATCHES; batch++) {
  if (batch === WARM_UP) oldBytes = oldGeneration();
  deliveredSpans += await exported();
  for (let left = 3; left > 0; left--) {
    await turn();
    collectYoung({ type: 'minor' });
  }
}
report('batches', { deliveredSpans, grownBytes: oldGeneration() - oldBytes });
await sink.shutdown?.();
backend.close();

function exported(): Promise<number> {
  return new Promise((resolve) => {
    ended = resolve;
    batches$.next(Array.from({ length: SPANS }, (_, index) => spanWith({ name: 'step', attributes: { index } })));
  });
}

function oldGeneration(): number {
  return getHeapSpaceStatistics().find(({ space_name }) => space_name === 'old_space')?.space_used_size ?? Number.NaN;
}

function sinkOfItsOwn(): Sink<object> {
  return {
    name: 'own',
    export: () =>
      new Observable<Response>((subscriber) => {
        setImmediate(() => {
          subscriber.next({});
          subscriber.complete();
        });
      }),
  };
}
