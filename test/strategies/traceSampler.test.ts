import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { describe, expect, test } from 'vitest';
import { KEEP_ALL, thresholdOf } from '../../src/strategies/consistentSampling.ts';
import type { SamplingPolicy } from '../../src/strategies/samplingPolicy.ts';
import { namesOf, TraceSampler, traceOf } from '../../src/strategies/traceSampler.ts';
import { spanWith } from '../support/spans.ts';

const parent = { traceId: '0', spanId: '1', traceFlags: 1 };
const child = (parts: Partial<ReadableSpan> = {}) => spanWith({ parentSpanContext: parent, ...parts });
const failed = child({ status: { code: 2 } });
const admin = child({ attributes: { 'app.area': 'admin', 'app.items': 12, 'app.vip': true } });
/** 300 ms, from 100 ms on. */
const later = child({ startTime: [10, 1e8], endTime: [10, 4e8], duration: [0, 3e8] });
/** 200 ms, from 0 ms on. */
const root = spanWith({ startTime: [10, 0], endTime: [10, 2e8], duration: [0, 2e8] });

const LOW = '00000000000001';
const HIGH = 'ffffffffffffff';
const HALF = thresholdOf(0.5);
const QUARTER = thresholdOf(0.25);

type Spans = readonly ReadableSpan[];
const judge = (policy: SamplingPolicy, spans: Spans, randomness = LOW) =>
  new TraceSampler([policy]).decide({ spans, randomness }, 0).judgement;

const errors: SamplingPolicy = { kind: 'errors' };
const half: SamplingPolicy = { kind: 'probabilistic', ratio: 0.5 };
const quarter: SamplingPolicy = { kind: 'probabilistic', ratio: 0.25 };
const vip: SamplingPolicy = { kind: 'attribute', key: 'app.vip', values: [true] };
const oneASecond: SamplingPolicy = { kind: 'rateLimited', tracesPerSecond: 1 };

describe('a policy that looks at spans', () => {
  const cases: readonly [SamplingPolicy, Spans, boolean, string][] = [
    [errors, [root, failed], true, 'one span has failed'],
    [errors, [root, child({ status: { code: 1 } })], false, 'ok is no error'],
    [errors, [], false, 'nothing'],
    [{ kind: 'slow', overMillis: 399 }, [later, root], true, 'the whole takes 400 ms'],
    [{ kind: 'slow', overMillis: 400 }, [later, root], false, 'and not longer'],
    [{ kind: 'slow', overMillis: 199, of: 'root' }, [later, root], true, 'the root takes 200 ms'],
    [{ kind: 'slow', overMillis: 200, of: 'root' }, [later, root], false, 'and not longer'],
    [{ kind: 'slow', overMillis: 0, of: 'root' }, [later], false, 'no root has come'],
    [{ kind: 'attribute', key: 'app.area' }, [root, admin], true, 'it is there'],
    [{ kind: 'attribute', key: 'app.area' }, [root], false, 'it is not'],
    [{ kind: 'attribute', key: 'app.area', values: ['sales', 'admin'] }, [admin], true, 'one of the values'],
    [{ kind: 'attribute', key: 'app.area', values: ['sales'] }, [admin], false, 'another value'],
    [{ kind: 'attribute', key: 'app.area', pattern: /^adm/g }, [admin, admin], true, 'a text that matches'],
    [{ kind: 'attribute', key: 'app.items', pattern: /12/ }, [admin], false, 'a number is no text'],
    [{ kind: 'attribute', key: 'app.items', min: 12 }, [admin], true, 'a number from 12'],
    [{ kind: 'attribute', key: 'app.items', min: 10, max: 11 }, [admin], false, 'a number up to 11'],
    [{ kind: 'attribute', key: 'app.area', min: 0 }, [admin], false, 'a text is no number'],
    [{ kind: 'not', policy: errors }, [root], true, 'what has no error'],
    [{ kind: 'not', policy: errors }, [failed], false, 'what has one'],
    [{ kind: 'all', policies: [errors, vip] }, [failed, admin], true, 'both hold'],
    [{ kind: 'all', policies: [errors, vip] }, [failed], false, 'one of both'],
    [{ kind: 'any', policies: [errors, vip] }, [failed], true, 'one of both is enough'],
    [{ kind: 'any', policies: [errors, vip] }, [root], false, 'none'],
  ];
  test.each(cases)('%j', (policy, spans, isKept, _why) => {
    // It is certain: the randomness makes no difference.
    for (const randomness of [LOW, HIGH]) expect(judge(policy, spans, randomness)).toBe(isKept ? KEEP_ALL : undefined);
  });

  test('the resource is looked at, too', () => {
    const { resource } = spanWith();
    const ofShop = spanWith({ resource: { ...resource, attributes: { 'service.name': 'shop' } } });
    expect(judge({ kind: 'attribute', key: 'service.name', values: ['shop'] }, [ofShop])).toBe(KEEP_ALL);
  });

  test('a root of the SDK 1.x has no parentSpanId', () => {
    const ofSdk1 = Object.assign(spanWith({ duration: [0, 3e8] }), { parentSpanId: '0123456789abcdef' });
    const slowRoot: SamplingPolicy = { kind: 'slow', overMillis: 100, of: 'root' };
    expect(judge(slowRoot, [ofSdk1])).toBeUndefined();
    expect(judge(slowRoot, [Object.assign(ofSdk1, { parentSpanId: '' })])).toBe(KEEP_ALL);
  });
});

describe('the threshold at which a trace is kept', () => {
  const cases: readonly [SamplingPolicy, string, string | undefined, string][] = [
    [half, '80000000000000', HALF, 'rv >= th'],
    [half, '7fffffffffffff', undefined, 'rv < th'],
    [{ kind: 'any', policies: [quarter, half] }, HIGH, HALF, 'of two, the lower'],
    [{ kind: 'any', policies: [quarter, half] }, '90000000000000', HALF, 'also where only one keeps it'],
    [{ kind: 'any', policies: [half, errors] }, HIGH, KEEP_ALL, 'certain: nothing is lower'],
    [{ kind: 'all', policies: [half, quarter] }, HIGH, QUARTER, 'of both, the higher'],
    [{ kind: 'all', policies: [errors, quarter] }, HIGH, QUARTER, 'that of the chance'],
    [{ kind: 'not', policy: half }, LOW, 'unknown', 'what chance leaves over has none'],
    [{ kind: 'not', policy: half }, HIGH, undefined, 'what chance has kept'],
    [oneASecond, LOW, 'unknown', 'a rate has none'],
    [{ kind: 'all', policies: [oneASecond, half] }, HIGH, 'unknown', 'with a rate'],
    [{ kind: 'any', policies: [oneASecond, half] }, HIGH, HALF, 'a chance behind a rate'],
    [{ kind: 'any', policies: [oneASecond, errors] }, LOW, KEEP_ALL, 'what is certain behind a rate'],
  ];
  test.each(cases)('%j with %s is %s: %s', (policy, randomness, threshold) => {
    expect(judge(policy, [failed], randomness)).toBe(threshold);
  });
});

describe('rates', () => {
  const kept = (policies: readonly SamplingPolicy[], traces: readonly Spans[], atMillis: readonly number[]) => {
    const sampler = new TraceSampler(policies);
    const randomness = LOW;
    return traces.map((spans, index) => sampler.decide({ spans, randomness }, atMillis[index] ?? 0).policy ?? '-');
  };
  const plain = [root];
  const many = [root, root, root];

  test('of traces: a full bucket, then as it fills', () => {
    const policy: SamplingPolicy = { kind: 'rateLimited', tracesPerSecond: 2 };
    expect(kept([policy], Array(6).fill(plain), [0, 0, 0, 499, 500, 1_000])).toEqual(
      ['rateLimited', 'rateLimited', '-', '-', 'rateLimited', 'rateLimited'], // at 499 ms it is not quite there
    );
  });

  test('of spans: a trace that is larger than the burst is kept when the bucket is full, and paid back', () => {
    const policy: SamplingPolicy = { kind: 'rateLimited', spansPerSecond: 1, burst: 2 };
    expect(kept([policy], [many, plain, plain, plain], [0, 0, 1_999, 2_000])).toEqual([
      'rateLimited',
      '-',
      '-',
      'rateLimited',
    ]);
  });

  test('nothing is spent on what another policy has kept, or does not keep', () => {
    const perSecond: SamplingPolicy = { kind: 'rateLimited', tracesPerSecond: 1 };
    expect(kept([errors, perSecond], [[failed], [failed], plain, plain], [])).toEqual([
      'errors',
      'errors',
      'rateLimited',
      '-',
    ]);
    const slow: SamplingPolicy = { kind: 'all', name: 'some', policies: [perSecond, errors] };
    expect(kept([slow], [plain, plain, [failed], [failed]], [])).toEqual(['-', '-', 'some', '-']);
  });

  test('nothing is spent on what chance has kept before', () => {
    const sampler = new TraceSampler([half, { kind: 'rateLimited', tracesPerSecond: 1 }]);
    const policies = [HIGH, HIGH, LOW, LOW].map((randomness) => sampler.decide({ spans: plain, randomness }, 0).policy);
    expect(policies).toEqual(['probabilistic', 'probabilistic', 'rateLimited', undefined]);
  });

  test('shares: each policy has its part', () => {
    const shares: SamplingPolicy = {
      kind: 'shares',
      tracesPerSecond: 4,
      shares: [
        { policy: errors, ratio: 0.25 },
        { policy: { kind: 'not', policy: errors }, ratio: 0.75 },
      ],
    };
    const traces = [[failed], [failed], plain, plain, plain, plain];
    expect(kept([shares], traces, [])).toEqual(['shares', '-', 'shares', 'shares', 'shares', '-']);
    expect(kept([shares], [[failed], [failed]], [0, 1_000])).toEqual(['shares', 'shares']);
  });
});

describe('a sampler', () => {
  test('books the first policy that keeps a trace, and takes the likeliest threshold', () => {
    const sampler = new TraceSampler([half, { kind: 'errors', name: 'failures' }]);
    expect(sampler.decide({ spans: [failed], randomness: HIGH }, 0)).toEqual({
      policy: 'probabilistic',
      judgement: KEEP_ALL,
    });
    expect(sampler.decide({ spans: [failed], randomness: LOW }, 0)).toEqual({
      policy: 'failures',
      judgement: KEEP_ALL,
    });
    expect(sampler.decide({ spans: [root], randomness: HIGH }, 0)).toEqual({
      policy: 'probabilistic',
      judgement: HALF,
    });
    expect(sampler.decide({ spans: [root], randomness: LOW }, 0)).toEqual({ policy: undefined, judgement: undefined });
  });

  test('tells policies of one name apart', () => {
    expect(namesOf([half, errors, half, { kind: 'errors', name: 'probabilistic' }])).toEqual([
      ...['probabilistic', 'errors', 'probabilistic#2', 'probabilistic#3'],
    ]);
  });

  test('an explicit randomness of a span goes before that of the id', () => {
    const id = '0123456789abcdef0123456789abcdef';
    const state = { get: () => 'rv:fedcba98765432', set: () => state, unset: () => state, serialize: () => '' };
    const context = { traceId: id, spanId: '1', traceFlags: 1, traceState: state };
    expect(traceOf(id, [root]).randomness).toBe('23456789abcdef');
    expect(traceOf(id, [root, spanWith({ spanContext: () => context })]).randomness).toBe('fedcba98765432');
  });
});
