import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { type OperatorFunction, Subject } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { adaptiveBatch, createLedger, exportTo, rebatch, runPipeline, toMemory } from '../../src/index.ts';
import { enrich, groupByTrace, redact, spanMetrics, statistics, tailSample } from '../../src/processors/index.ts';
import { generatedSpans } from '../support/spans.ts';

type Options = { readonly ledger: ReturnType<typeof createLedger>; readonly name?: string };

const OPERATORS: Readonly<Record<string, (options: Options) => OperatorFunction<ReadableSpan, unknown>>> = {
  redact: (options: Options) => redact({ keys: ['pin'], ...options }),
  enrich: (options: Options) => enrich({ region: 'eu' }, options),
  tailSample: (options: Options) => tailSample({ policies: [{ kind: 'errors' }], ...options }),
  groupByTrace,
  spanMetrics,
  statistics,
};
const SPANS = generatedSpans({ seed: 1, count: 3 });
const TAKEN_APART = 'takes spans one by one: put mergeMap';

describe.each(Object.entries(OPERATORS))('%s', (name, operator) => {
  /** What comes out when it is given this, and the books. */
  function given(first: unknown, ...more: readonly unknown[]) {
    const ledger = createLedger();
    const source = new Subject<never>();
    const seen: unknown[] = [];
    const result$ = operator({ ledger })(source);
    result$.subscribe({ next: (result) => seen.push(result), error: (error) => seen.push(error) });
    for (const item of [first, ...more]) source.next(item as never);
    const isLeft = !source.observed;
    source.complete();
    return { seen, isLeft, stats: ledger.stats() };
  }

  test('fails at once when its first item is a batch, and says how to take it apart', () => {
    const [batch] = toBatch();
    const { seen, isLeft, stats } = given(batch);
    expect(seen).toMatchObject([{ code: 'NO_SPAN', message: expect.stringContaining(`${name} was given a batch`) }]);
    expect(String(seen[0])).toContain(`${TAKEN_APART}(({ items }) => items)`);
    expect(isLeft).toBe(true);
    expect(stats).toMatchObject({ offered: 0, callbackErrors: 0 });
  });

  test('fails at once when its first item is an array', () => {
    const { seen } = given(SPANS);
    expect(seen).toMatchObject([{ code: 'NO_SPAN', message: expect.stringContaining(`${name} was given an array`) }]);
    expect(String(seen[0])).toContain(`${TAKEN_APART}((spans) => spans)`);
  });

  test('looks at the first item alone', () => {
    const { isLeft, stats } = given(SPANS[0], SPANS[1]);
    expect(isLeft).toBe(false);
    expect(stats.stages[name]).toMatchObject({ refused: {} });
  });
});

function toBatch(): unknown[] {
  const batches: unknown[] = [];
  const source = new Subject<ReadableSpan>();
  source.pipe(adaptiveBatch()).subscribe((batch) => batches.push(batch));
  for (const span of SPANS) source.next(span);
  source.complete();
  return batches;
}

test('in a run, the pipeline ends and tells why', async () => {
  const batches$ = new Subject<never>();
  const sampled$ = batches$.pipe(tailSample({ policies: [{ kind: 'errors' }], name: 'sampler' }));
  const pipeline = runPipeline(batches$, sampled$.pipe(adaptiveBatch(), rebatch(), exportTo(toMemory<ReadableSpan>())));
  const ended = pipeline.outcomes$.forEach(() => {});
  batches$.next(toBatch()[0] as never);
  await ended;
  expect(pipeline.stats()).toMatchObject({ delivered: 0, pending: 0 });
});
