import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BehaviorSubject, Subject } from 'rxjs';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createLedger, spanPipeline, toMemory } from '../../src/index.ts';
import {
  type ShownStats,
  type StatsDisplay,
  type StatsSource,
  type StatsToConsoleOptions,
  statsToConsole,
} from '../../src/terminal/index.ts';
import { virtualTime } from '../../src/testing/index.ts';
import { spanWith } from '../support/spans.ts';
import { docDrawings } from '../testing/drawnText.ts';
import { FakeTerminal, screenOf, withColour, withoutStyles } from './fakeTerminal.ts';

const SOURCE = join(import.meta.dirname, '..', '..', 'src', 'terminal', 'statsToConsole.ts');
const ESCAPE = String.fromCharCode(0x1b);

/** A source whose books the test writes. */
function bookkeeper(): { stats$: Subject<unknown>; books: Record<string, unknown>; stats(): ShownStats } {
  const books = {
    offered: 0,
    delivered: 0,
    refused: {},
    lost: {},
    pending: 0,
    batchSize: 512,
    inFlight: 2,
    retries: 1,
  };
  return { stats$: new Subject(), books, stats: () => ({ ...books }) };
}

/** Runs in virtual time, and closes the display. */
function shown(
  source: StatsSource | Record<string, StatsSource>,
  options: StatsToConsoleOptions,
  steps: (display: StatsDisplay, advanceBy: (millis: number) => Promise<void>) => Promise<void>,
): Promise<void> {
  return virtualTime(async ({ advanceBy }) => {
    const display = statsToConsole(source, options);
    try {
      await steps(display, advanceBy);
    } finally {
      display.close();
    }
  });
}

describe('statsToConsole on a terminal', () => {
  test('draws the picture of its doc block: rates of the last second, what is pending, what is lost', () => {
    const source = bookkeeper();
    source.books.retries = undefined;
    const stream = new FakeTerminal(56);
    return shown(source, { stream }, async (_, advanceBy) => {
      for (let step = 1; step <= 12; step++) {
        const delivered = step <= 8 ? step * 100 : ([1_300, 1_900, 2_400, 2_900][step - 9] as number);
        Object.assign(source.books, { offered: step * 250, delivered, pending: step * 250 - delivered });
        await advanceBy(250);
      }
      const [picture] = docDrawings(readFileSync(SOURCE, 'utf8'));
      expect(stream.screen().join('\n')).toBe(picture?.text);
    });
  });

  test('draws over the picture before, and losses at the scale of the most', () => {
    const source = bookkeeper();
    const stream = new FakeTerminal(48);
    return shown(source, { stream }, async (_, advanceBy) => {
      for (let step = 1; step <= 4; step++) {
        source.books.lost = { queueFull: 500 * step };
        source.books.refused = { queueFull: 500 * step };
        await advanceBy(250);
      }
      expect(stream.screen()[4]).toBe('  lost         ▁▃▅▇█                      4,000');
      expect(stream.screen()).toHaveLength(6);
    });
  });

  test('shows the state of a source that has one', () => {
    const source = { ...bookkeeper(), state$: new BehaviorSubject('running') };
    const stream = new FakeTerminal(70);
    return shown(source, { stream }, async (_, advanceBy) => {
      expect(stream.screen()[0]).toBe('spanflow       running  batch size 512  in flight 2  retries 1');
      source.state$.next('degraded');
      await advanceBy(250);
      expect(stream.screen()[0]).toContain('degraded  batch size 512');
    });
  });

  test.each([20, 40, 80, 120, 300])('of %i columns has no longer line, and no row more than there are', (columns) => {
    withColour({ FORCE_COLOR: '1' });
    const sources = { 'a pipeline with quite a long name': bookkeeper(), other: bookkeeper() };
    const stream = new FakeTerminal(columns, true, 8);
    const gauges = { 'a gauge with quite a long name': () => ({ value: 1, text: 'in words that are long' }) };
    return shown(sources, { stream, gauges }, async (_, advanceBy) => {
      for (let step = 0; step < 700; step++) await advanceBy(50);
      const frame = (stream.texts.at(-1) as string).split('\n');
      expect(frame.length).toBeLessThanOrEqual(8);
      for (const line of withoutStyles(frame.join('\n')).split('\n'))
        expect(screenOf(line, 1_000)[0]?.length).toBeLessThan(columns);
      expect(stream.screen().length).toBe(8);
    });
  });

  test('that becomes narrower gets its wrapped lines drawn over', () => {
    const source = bookkeeper();
    const stream = new FakeTerminal(80);
    return shown(source, { stream }, async (_, advanceBy) => {
      const before = stream.texts.length;
      stream.columns = 50;
      await advanceBy(250);
      // Each of the five lines was longer, and has become two.
      expect(stream.texts[before]).toMatch(new RegExp(`^${ESCAPE}\\[10A\\r`));
    });
  });

  test('of no known width is taken for one of 80 columns', () => {
    const stream = new FakeTerminal(0);
    return shown(bookkeeper(), { stream }, async () => {
      expect(screenOf(stream.texts[0] ?? '', 1_000)[1]).toHaveLength(79);
    });
  });

  test('shows several by name, with one scale for all', () => {
    const [spans, logs] = [bookkeeper(), bookkeeper()];
    Object.assign(spans.books, { pending: 100 });
    Object.assign(logs.books, { pending: 50 });
    const stream = new FakeTerminal(48);
    return shown({ spans, logs }, { stream }, async () => {
      const screen = stream.screen();
      expect(screen.filter((line) => line.includes('pending')).map((line) => line.slice(0, 16))).toEqual([
        '  pending      █',
        '  pending      ▅',
      ]);
      expect(screen[0]).toMatch(/^spans /);
      expect(screen[5]).toMatch(/^logs /);
    });
  });

  test('shows gauges of your own: numbers, words, and ? for one that throws', () => {
    const stream = new FakeTerminal(48);
    const gauges = {
      heap: () => 12_345.6,
      mood: () => ({ value: 1, text: 'well\u001b[2J' }),
      broken: () => {
        throw new Error('mine');
      },
      odd: () => Number.NaN,
    };
    return shown(bookkeeper(), { stream, gauges }, async () => {
      expect(stream.screen().slice(0, 4)).toEqual([
        'heap           █                         12,346',
        // Ten columns are for the value.
        expect.stringMatching(/^mood {11}█ +well\\u001b$/),
        'broken         ▁                              ?',
        'odd            ▁                              ?',
      ]);
    });
  });

  test.each<[Record<string, string>, boolean]>([
    [{}, true],
    [{ NO_COLOR: '1' }, false],
    [{ FORCE_COLOR: '1', NO_COLOR: '1' }, true],
    [{ FORCE_COLOR: '0' }, false],
  ])('with %o has colour: %s', (variables, hasColour) => {
    withColour(variables);
    const stream = new FakeTerminal(80);
    return shown(bookkeeper(), { stream }, async () => {
      expect(stream.written.includes('\u001b[2m')).toBe(hasColour);
    });
  });
});

describe('statsToConsole elsewhere', () => {
  test('writes a plain line every ten seconds, when something has changed, and one at the end', () => {
    withColour({});
    const source = bookkeeper();
    const stream = new FakeTerminal(undefined, false);
    return shown(
      source,
      { stream, gauges: { mood: () => ({ value: 1, text: 'well' }) } },
      async (display, advanceBy) => {
        expect(stream.texts).toEqual([]);
        Object.assign(source.books, { offered: 30_000, delivered: 20_000, pending: 9_000, lost: { queueFull: 1_000 } });
        await advanceBy(10_000);
        const line = 'mood well  spanflow  offered 3,000/s  pending 9,000  delivered 2,000/s  lost 1,000';
        expect(stream.texts).toEqual([`${line}  batch size 512  in flight 2\n`]);
        await advanceBy(10_000);
        await advanceBy(60_000);
        expect(stream.texts.length).toBe(2);
        source.books.pending = 0;
        display.close();
        expect(stream.texts.slice(2)).toEqual([expect.stringContaining('pending 0')]);
      },
    );
  });

  test('leaves out what does not fit, as a whole', () => {
    const stream = new FakeTerminal(50, false);
    return shown(bookkeeper(), { stream }, async (display) => {
      display.close();
      expect(stream.written).toBe('spanflow  offered 0/s  pending 0  delivered 0/s\n');
    });
  });

  test('a terminal that is dumb gets lines, too', () => {
    withColour({ TERM: 'dumb' });
    const stream = new FakeTerminal(80);
    return shown(bookkeeper(), { stream }, async (display) => {
      display.close();
      expect(stream.written).toMatch(/^spanflow .*lost 0.*\n$/);
    });
  });

  test('has colour when it is forced', () => {
    withColour({ FORCE_COLOR: '1' });
    const stream = new FakeTerminal(undefined, false);
    return shown(bookkeeper(), { stream }, async (display) => {
      display.close();
      expect(stream.written).toContain('\u001b[1mspanflow\u001b[22m');
    });
  });
});

describe('a display', () => {
  test('ends when all pipelines have ended, and shows their last state', () => {
    const [one, other] = [bookkeeper(), bookkeeper()];
    const stream = new FakeTerminal(80);
    return shown({ one, other }, { stream }, async (_, advanceBy) => {
      one.stats$.complete();
      await advanceBy(250);
      expect(stream.texts.length).toBe(2);
      other.books.pending = 4_321;
      other.stats$.error(new Error('mine'));
      expect(stream.screen().join()).toContain('4,321');
      const { length } = stream.texts;
      await advanceBy(10_000);
      expect(stream.texts.length).toBe(length);
    });
  });

  test('of what has ended already shows it once', () => {
    const source = { ...bookkeeper(), stats$: new BehaviorSubject(0) };
    source.stats$.complete();
    const stream = new FakeTerminal(80, false);
    return shown(source, { stream }, async () => {
      expect(stream.texts.length).toBe(1);
    });
  });

  test('leaves pictures out while the stream does not take them', () => {
    const stream = new FakeTerminal(80);
    stream.isStalled = true;
    return shown(bookkeeper(), { stream }, async (_, advanceBy) => {
      await advanceBy(10_000);
      expect(stream.texts.length).toBe(1);
      stream.goOn();
      await advanceBy(250);
      expect(stream.texts.length).toBe(2);
    });
  });

  test('ends when the stream fails, and leaves no listener', async () => {
    const stream = new FakeTerminal(80);
    await shown(bookkeeper(), { stream }, async (_, advanceBy) => {
      expect(stream.listenerCount('error')).toBe(1);
      stream.destroy(new Error('EPIPE'));
      await advanceBy(1_000);
      expect(stream.texts.length).toBeLessThanOrEqual(2);
    });
    expect(stream.listenerCount('error')).toBe(0);
  });

  test('of a source that throws goes on with what it had', () => {
    const source = bookkeeper();
    const stream = new FakeTerminal(80);
    return shown(source, { stream }, async (_, advanceBy) => {
      source.stats = () => {
        throw new Error('mine');
      };
      await advanceBy(500);
      expect(stream.texts.length).toBe(3);
    });
  });

  test('is disposed of, and closed twice', () => {
    const stream = new FakeTerminal(80, false);
    {
      using display = statsToConsole(bookkeeper(), { stream });
      display.close();
    }
    expect(stream.texts.length).toBe(1);
  });

  test('takes pipelines and ledgers, and ends with them', async () => {
    const stream = new FakeTerminal(100, false);
    const pipeline = spanPipeline({ sink: toMemory(), environment: {} });
    onTestFinished(() => pipeline.shutdown());
    const display = statsToConsole({ spans: pipeline, mine: createLedger() }, { stream });
    pipeline.processor.onEnd(spanWith());
    await pipeline.shutdown();
    display.close();
    expect(stream.written).toMatch(/^spans {2}offered .* pending 0 .*\nmine {2}offered 0\/s/);
  });

  test.each<[unknown, object, string]>([
    [
      undefined,
      {},
      'statsToConsole.pipelines must be a pipeline, or another object with stats(); or an object of them',
    ],
    [{}, {}, 'statsToConsole.pipelines must be a pipeline'],
    [{ spans: {} }, {}, 'statsToConsole.pipelines must be a pipeline'],
    [
      createLedger(),
      { intervalMillis: 1 },
      'statsToConsole.intervalMillis must be a duration in milliseconds, from 50',
    ],
    [createLedger(), { stream: 'stderr' }, 'statsToConsole.stream must be a writable stream, but was given "stderr"'],
    [createLedger(), { gauges: { heap: 5 } }, 'statsToConsole.gauges must be an object of functions'],
    [createLedger(), { color: true }, 'statsToConsole.color must be one of the known options'],
  ])('refuses %o, %o', (pipelines, options, message) => {
    expect(() => statsToConsole(pipelines as StatsSource, options as StatsToConsoleOptions)).toThrow(message);
  });
});
