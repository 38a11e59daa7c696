import { inspect } from 'node:util';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { toConsole } from '../../src/index.ts';
import { dataPointWith, metricOfType, metricWith, VALUES } from '../support/dataPoints.ts';
import { exportOnce, outcomeOf } from '../support/httpExports.ts';
import { logRecordWith, SPAN_CONTEXT } from '../support/logRecords.ts';
import { spanWith } from '../support/spans.ts';

/** A `toConsole` whose lines are kept. */
function recorded<T>() {
  const lines: string[] = [];
  return { lines, sink: toConsole<T>({ write: (line) => lines.push(line) }) };
}

const circular: { self?: unknown } = {};
circular.self = circular;

/** Items that would not fit on one line. */
const LARGE: readonly [string, unknown][] = [
  ['an array of numbers', Array(100).fill(12_345)],
  ['objects in objects', { a: { b: { c: { d: { e: 1 } } } } }],
  ['a text of several lines', 'one\ntwo\r\nthree\u2028four'],
  ['an error with its stack', new Error('mine')],
  ['ten thousand keys', Object.fromEntries(Array.from({ length: 10_000 }, (_, key) => [`key${key}`, key]))],
  ['a key of a megabyte', { ['k'.repeat(1 << 20)]: 1 }],
  ['a map', new Map([[{ a: 1 }, { b: { c: { d: 1 } } }]])],
  ['a look of its own', { [inspect.custom]: () => 'x\n'.repeat(10_000) }],
];

describe('toConsole', () => {
  it('prints a span as its name, duration, status, ids and attributes', async () => {
    const { lines, sink } = recorded();
    await exportOnce(sink, [
      spanWith({ name: 'GET /cart', status: { code: 2 }, attributes: { 'http.status_code': 500 } }),
    ]);
    expect(lines).toEqual([
      "GET /cart  25.7 ms  error  0123456789abcdef0123456789abcdef/0123456789abcdef  { 'http.status_code': 500 }",
    ]);
  });

  it('prints a data point as the name of its metric, its type, value, unit and attributes', async () => {
    const { lines, sink } = recorded();
    const unitless = { descriptor: { name: 'load', description: '', unit: '', valueType: 1 } } as const;
    const points = [
      dataPointWith({ value: 7, attributes: { route: '/cart' } }),
      dataPointWith({ value: 2n ** 60n }, metricWith({ isMonotonic: false })),
      dataPointWith({ value: 0.5 }, metricOfType(2, unitless)),
      dataPointWith({ value: Number.NaN, noRecordedValue: true }, metricOfType(2, unitless)),
      dataPointWith({ value: VALUES[0] }, metricOfType(0)),
      dataPointWith({ value: { count: 1, buckets: { boundaries: [], counts: [] } } }, metricOfType(0, unitless)),
      dataPointWith({ value: VALUES[1] }, metricOfType(1)),
      dataPointWith({ value: VALUES[4] }, metricOfType(4)),
    ];
    expect(await exportOnce(sink, points as never)).toEqual({ unencodable: 0 });
    expect(lines).toEqual([
      "requests  sum  7  {request}  { route: '/cart' }",
      'requests  sum  1152921504606846976  {request}  {}',
      'load  gauge  0.5  {}',
      'load  gauge  no recorded value  {}',
      'requests  histogram  count 3, sum 12.5, min 0.5, max 9  {request}  {}',
      'load  histogram  count 1  {}',
      'requests  exponential histogram  count 6, sum 20, min -4, max 8  {request}  {}',
      'requests  summary  count 2, sum 3.5, p0 1, p99 2.5  {request}  {}',
    ]);
  });

  it('prints a log record as its time, severity, body, ids and attributes', async () => {
    const { lines, sink } = recorded();
    const records = [
      logRecordWith({ severityText: 'warn', severityNumber: 13, body: 'disk\nfull', attributes: { free: 1 } }),
      logRecordWith({ severityNumber: 9, body: { text: 'a map' }, spanContext: SPAN_CONTEXT }),
      logRecordWith({ severityNumber: 24, eventName: 'cart.opened', hrTime: [0, 0], hrTimeObserved: [1, 999_999_999] }),
      logRecordWith({ body: '' }),
    ];
    expect(await exportOnce(sink, records as never)).toEqual({ unencodable: 0 });
    expect(lines).toEqual([
      '2024-12-13T12:37:53.340Z  warn  disk full  { free: 1 }',
      "2024-12-13T12:37:53.340Z  INFO  { text: 'a map' }  0123456789abcdef0123456789abcdef/0123456789abcdef  {}",
      '1970-01-01T00:00:01.999Z  FATAL4  cart.opened  {}',
      '2024-12-13T12:37:53.340Z  {}',
    ]);
  });

  it.each([
    [0, '{}'],
    [1, 'TRACE  {}'],
    [4, 'TRACE4  {}'],
    [17, 'ERROR  {}'],
    [25, 'severity 25  {}'],
    [-3, 'severity -3  {}'],
  ])('prints the severity number %s by name', async (severityNumber, rest) => {
    const { lines, sink } = recorded<unknown>();
    await exportOnce(sink, [logRecordWith({ severityNumber })]);
    expect(lines).toEqual([`2024-12-13T12:37:53.340Z  ${rest}`]);
  });

  it.each([
    ['text', "'text'"],
    [5, '5'],
    [1n, '1n'],
    [null, 'null'],
    [undefined, 'undefined'],
    [Number.NaN, 'NaN'],
    [{ body: 'log' }, "{ body: 'log' }"],
    [circular, '<ref *1> { self: [Circular *1] }'],
  ])('prints %s as Node shows it', async (item, line) => {
    const { lines, sink } = recorded<unknown>();
    expect(await exportOnce(sink, [item])).toEqual({ unencodable: 0 });
    expect(lines).toEqual([line]);
  });

  it.each(LARGE)('prints %s on one line of bounded length', async (_, item) => {
    const { lines, sink } = recorded<unknown>();
    await exportOnce(sink, [item, spanWith({ name: 'two\nlines \u001b[2J', attributes: { item: item as string } })]);
    expect(lines.length).toBe(2);
    for (const line of lines) {
      expect(line).not.toMatch(/[\p{Cc}\u2028\u2029]/u);
      expect(line.length).toBeLessThan(5_000);
    }
  });

  it('counts what cannot be shown as unencodable, and prints the rest', async () => {
    const { lines, sink } = recorded<unknown>();
    const broken = () => {
      throw new Error('mine');
    };
    const items = [
      { [inspect.custom]: broken },
      Object.defineProperty(spanWith(), 'name', { get: broken }),
      spanWith({ spanContext: broken }),
      logRecordWith({ hrTime: [Number.NaN, 0] }),
      Object.defineProperty(dataPointWith(), 'point', { get: broken }),
      new Proxy({}, { get: broken, has: broken, ownKeys: broken }),
      'last',
    ];
    const outcome = await outcomeOf(sink, items);
    expect(outcome.delivered + (outcome.lost[0]?.count ?? 0)).toBe(7);
    expect(outcome.lost).toMatchObject([{ reason: 'unencodable', stage: 'exportTo(toConsole)' }]);
    expect(lines.at(-1)).toBe("'last'");
  });

  it('counts what cannot be written as unencodable', async () => {
    const sink = toConsole<number>({
      write: () => {
        throw new Error('closed');
      },
    });
    expect(await exportOnce(sink, [1, 2])).toEqual({ unencodable: 2 });
  });

  it('writes to the console', async () => {
    const log = vi.spyOn(console, 'log').mockImplementation(() => {});
    onTestFinished(() => log.mockRestore());
    await exportOnce(toConsole<number>(), [1]);
    expect(log.mock.calls).toEqual([['1']]);
  });

  it('refuses wrong options', () => {
    expect(() => toConsole({ write: 'x' as never })).toThrow(
      expect.objectContaining({ option: 'toConsole.write', rule: 'a function', given: 'x' }),
    );
    expect(() => toConsole({ log: () => {} } as object)).toThrow(/toConsole\.log must be one of the known options/);
  });
});
