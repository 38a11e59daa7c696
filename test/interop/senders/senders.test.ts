import { mkdirSync, mkdtempSync, rmdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it, onTestFinished, test } from 'vitest';
import { unavailableIn } from '../command.ts';
import { firstDifference } from '../difference.ts';
import { built } from './build.ts';
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
  exemplar: '5',
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

  it('has the exemplar of a measurement in a span, where the SDK has exemplars', () => {
    const exemplarsOf = (printed: Printed) =>
      madeEntries(printed, ABILITIES).metrics.flatMap(
        ({ content }) => (content.item as { exemplars?: [] }).exemplars ?? [],
      );
    expect(exemplarsOf(PRINTED)).toMatchObject([{ timeUnixNano: '5', spanId: '0000000000000001' }]);
    const { exemplar: _, ...without } = PRINTED;
    expect(exemplarsOf(without)).toEqual([]);
  });

  it('is without what an SDK cannot send', () => {
    const less = madeEntries(PRINTED, { hasInt64: false, sendsTraceFlags: false, sendsLinkTraceState: false });
    expect(firstDifference(less.traces, made.traces)).toContain('was sent as nothing');
    expect(less.traces.map(({ content }) => (content.item as { flags?: number }).flags)).toEqual([768, 256, 256, 256]);
    expect(made.traces[3]?.content.item).toHaveProperty('flags', 259);
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
        [undefined, 10],
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

test('a program that does not compress as it was told is found out', async () => {
  const [{ ready, ...sender }] = SENDERS as [Sender];
  const [node, main = ''] = await ready();
  const disobeys = `delete process.env.OTEL_EXPORTER_OTLP_COMPRESSION; import(${JSON.stringify(pathToFileURL(main))})`;
  for (const protocol of ['http/json', 'grpc'] as const) {
    const [finding] = await arrivals({ ...sender, ready: async () => [node, '--eval', disobeys] }, protocol, 'gzip');
    expect(finding?.difference).toMatch(/^a request came as application\/(json|grpc), (identity|not compressed)$/);
  }
}, 60_000);

describe('a sender that is built', () => {
  const recipe = (...commands: [string, ...string[]][]) => ({
    ...{ language: 'go', sources: ['go.mod'] },
    commands: () => commands,
  });
  const cache = () => {
    const folder = mkdtempSync(join(tmpdir(), 'spanflow-senders-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    return folder;
  };
  const says = (text: string) => [process.execPath, '--eval', `console.log(${JSON.stringify(text)}); process.exit(1)`];

  it('is skipped without its toolchain or packages, and an error where anything else is wrong', async () => {
    const noPackages = says('ERROR: No matching distribution found for opentelemetry-sdk') as [string];
    await expect(built(recipe(['no-such-toolchain']), cache())).rejects.toThrow(NoSender);
    await expect(built(recipe(noPackages), cache())).rejects.toThrow(NoSender);
    const wrong = says('main.go:3: undefined: nothing') as [string];
    await expect(built(recipe(wrong), cache())).rejects.toThrow('the sender in go cannot be built:\nmain.go:3');
  });

  it('is built once, and again when that has failed', async () => {
    const folder = cache();
    // It makes a folder, which it could not do a second time.
    const ran = join(folder, 'ran');
    const once = recipe([process.execPath, '--eval', `require('node:fs').mkdirSync(${JSON.stringify(ran)})`]);
    mkdirSync(ran);
    await expect(built(once, folder)).rejects.toThrow('EEXIST');
    rmdirSync(ran);
    const first = await built(once, folder);
    await expect(built(once, folder)).resolves.toBe(first);
  });

  test('what pip and Maven say that cannot reach a registry is known', () => {
    expect(unavailableIn('x\n[ERROR] Could not transfer artifact a:b:1: Unknown host')).toContain('transfer');
    expect(unavailableIn('WARNING: Failed to establish a new connection: refused')).toBeDefined();
    expect(unavailableIn('[ERROR] Main.java:[3,8] cannot find symbol')).toBeUndefined();
  });
});

test('a language that cannot be had here is skipped, and any other failure is one', async () => {
  const failing = (error: Error): Sender => ({ ...(SENDERS[0] as Sender), ready: () => Promise.reject(error) });
  await expect(findingsOfSenders([failing(new NoSender('there is no Python'))])).resolves.toEqual([]);
  await expect(findingsOfSenders([failing(new Error('main.py:3: no such name'))])).rejects.toThrow('main.py:3');
});
