import { describe, expect, it, test } from 'vitest';
import { firstDifference } from '../difference.ts';
import { canonical } from './canonical.ts';
import { type Abilities, madeEntries, type Printed } from './made.ts';
import { arrivals } from './receiving.ts';
import { findingsOfSenders } from './run.ts';
import { NoSender, type Sender } from './sender.ts';
import { SENDERS } from './senders.ts';

const PRINTED: Printed = {
  rootTraceId: '0123456789abcdef0123456789abcdef',
  rootTraceFlags: 3,
  spans: { 'POST /orders': '0000000000000001', SELECT: '0000000000000002', publish: '0000000000000003', root: '4' },
  points: { 'orders a': ['1', '2'], 'orders b': ['3', '4'], load: ['0', '4'] },
};
const ABILITIES: Abilities = { hasInt64: true, sendsTraceFlags: true, sendsLinkTraceState: true };

describe('what a program has made', () => {
  const made = madeEntries(PRINTED, ABILITIES);

  it('has the ids and times that the program printed', () => {
    expect(made.traces.map(({ key }) => key)).toContain('span 0000000000000002');
    expect(made.traces[3]?.content.item).toMatchObject({ traceId: PRINTED.rootTraceId, spanId: '4' });
    const [first, second] = made.metrics;
    expect(first?.content.item).toMatchObject({ startTimeUnixNano: '1', timeUnixNano: '2' });
    expect(second?.content.item).toMatchObject({ startTimeUnixNano: '3', timeUnixNano: '4' });
  });

  it('has no start where the SDK has none', () => {
    const load = made.metrics.find(({ content }) => content.metric?.name === 'load');
    expect(load?.content.item).not.toHaveProperty('startTimeUnixNano');
  });

  it('is without what an SDK cannot send', () => {
    const less = madeEntries(PRINTED, { hasInt64: false, sendsTraceFlags: false, sendsLinkTraceState: false });
    expect(firstDifference(less.traces, made.traces)).toContain('was sent as nothing');
    expect(less.traces.map(({ content }) => (content.item as { flags?: number }).flags)).toEqual([768, 256, 256, 256]);
    expect((made.traces[3]?.content.item as { flags?: number }).flags).toBe(259);
    expect(firstDifference(less.metrics, made.metrics)).toBeUndefined();
  });

  it('is equal to itself in another order of attributes, and of them only', () => {
    const [entry] = made.traces;
    const turned = structuredClone(entry) as { content: { item: { attributes: object[] } } } & typeof entry;
    turned.content.item.attributes.reverse();
    expect(firstDifference(canonical('traces', [entry as never]), canonical('traces', [turned]))).toBeUndefined();
    const words = (turned.content.item.attributes as { key: string; value: { arrayValue?: { values: object[] } } }[])
      .find(({ key }) => key === 'words')
      ?.value.arrayValue?.values.reverse();
    expect(words).toHaveLength(2);
    expect(firstDifference(canonical('traces', [entry as never]), canonical('traces', [turned]))).toContain(
      'was sent as "a"',
    );
  });
});

describe('the SDK of JavaScript', () => {
  const [sender] = SENDERS as [Sender];

  it.each(['http/json', 'http/protobuf', 'grpc'] as const)(
    'sends what it has made over %s',
    async (protocol) => {
      const findings = await arrivals(sender, protocol, 'gzip');
      expect(findings.map(({ difference, items }) => [difference, items])).toEqual([
        [undefined, 4],
        [undefined, 6],
        [undefined, 9],
      ]);
    },
    60_000,
  );

  it('is found out when it has not made what it was to make', async () => {
    const findings = await arrivals({ ...sender, abilities: { ...ABILITIES } }, 'grpc', 'none');
    expect(findings.map(({ difference }) => difference)).toEqual([
      expect.stringContaining('largest'),
      expect.stringContaining('largest'),
      undefined,
    ]);
  }, 60_000);
});

test('a language that cannot be had here is skipped, and any other failure is one', async () => {
  const failing = (error: Error): Sender => ({ ...(SENDERS[0] as Sender), ready: () => Promise.reject(error) });
  await expect(findingsOfSenders([failing(new NoSender('there is no Python'))])).resolves.toEqual([]);
  await expect(findingsOfSenders([failing(new Error('main.py:3: no such name'))])).rejects.toThrow('main.py:3');
});
