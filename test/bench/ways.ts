/**
 * Four ways to export that people choose between: `node test/bench/ways.ts [--brief] [--json] [--profile <folder>]`. Each runs in a process of its own, once in each round.
 */
import type { Taken } from './programs/backend.ts';
import type { WayInput, WayName, WayResult } from './programs/ways.ts';
import { type Account, type BenchOptions, type Found, show } from './support/benchmark.ts';
import { inRounds, runOnce, withBackend } from './support/children.ts';
import { columns } from './support/columns.ts';
import { figureText, rounded } from './support/line.ts';
import { type Figure, figureOf } from './support/rounds.ts';
import { PUBLISHED, type Published, TITLES, WHY_BEHIND } from './ways/published.ts';

const WINDOW = 8_192;
const CALLERS = 64;
const WAYS: readonly WayName[] = ['roundTrip', 'oneByOne', 'oneInFlight', 'streaming', 'sharedHandle'];

interface WayLine {
  readonly way: WayName;
  readonly spansPerSecond: Figure;
  readonly p50Millis: Figure;
  readonly p95Millis: Figure;
  readonly peakMegabytes: Figure;
  /** What somebody else claims of theirs. */
  readonly published?: Published;
}

interface WaysReport {
  readonly settings: readonly string[];
  readonly lines: readonly WayLine[];
  readonly accounts: readonly Account[];
}

export async function ways(options: BenchOptions): Promise<Found> {
  const report = await measured(options);
  return { data: report, text: waysText(report) };
}

async function measured({ brief, profile }: BenchOptions): Promise<WaysReport> {
  const times = brief ? { warmUpMillis: 100, millis: 150 } : { warmUpMillis: 1_200, millis: 1_500 };
  const runs = await withBackend({ answerMillis: 0 }, (backend) =>
    inRounds<WayName, WayResult & Taken>(WAYS, brief ? 1 : 5, async (way, round) => {
      const path = profile === undefined ? {} : { profile: `${profile}/${way}-${round}.cpuprofile` };
      const input: WayInput = { way, url: backend.url, window: WINDOW, callers: CALLERS, ...times, ...path };
      const result = await runOnce<WayResult>('ways', input);
      return { ...result, ...(await backend.take()) };
    }),
  );
  return {
    settings: [
      'spans of a name, ids and times (generated), to a backend on loopback that answers at once; p95 from end to acknowledged',
      `one by one: exportTo(otlpHttp({ url }), { concurrency: 1 }); the round trip: undici with a body encoded beforehand`,
      `one in flight: spanPipeline({ sink: otlpHttp({ url }), concurrency: 1 })`,
      `streaming: fromSpanProcessor, adaptiveBatch({ scheduledDelayMillis: 100 }), exportTo(otlpHttp({ url }), { concurrency: 8 })`,
      `shared handle: exportHandle(otlpHttp({ url })), ${CALLERS} callers of ${WINDOW / CALLERS} spans each`,
      `in the last three ${WINDOW} spans are on their way at any time, and the next end as others are acknowledged: so the wait is that number by the rate, at least`,
      'peak memory: of the whole process, Node itself and the prepared spans included',
    ],
    lines: [...runs].map(([way, results]) => lineOf(way, results)),
    accounts: [...runs].flatMap(([way, results]) =>
      results.map(({ offered, spans }) => ({ who: 'spanflow', what: way, offered, taken: spans })),
    ),
  };
}

function lineOf(way: WayName, results: readonly WayResult[]): WayLine {
  const figure = (name: keyof WayResult) => figureOf(results.map((result) => result[name]));
  const published = PUBLISHED[way];
  return {
    ...{ way, spansPerSecond: figure('spansPerSecond'), p50Millis: figure('p50Millis') },
    ...{ p95Millis: figure('p95Millis'), peakMegabytes: figure('peakMegabytes') },
    ...(published && { published }),
  };
}

const HEADINGS = ['', 'spans/s', 'p50, ms', 'p95, ms', 'peak, MB', 'published: spans/s', 'ms', 'MB', 'ahead', 'behind'];

function waysText({ settings, lines, accounts }: WaysReport): string {
  const table = columns([HEADINGS, ...lines.map(cellsOf)], new Set([0, 8, 9]));
  const reasons = lines.flatMap(({ way, published, ...figures }) =>
    published === undefined
      ? []
      : behind(figures, published).map((what) => `${TITLES[way]}, ${what}: ${WHY_BEHIND[way]}`),
  );
  const lost = accounts.filter(({ offered, taken }) => offered !== taken);
  return [
    '── Four ways to export',
    ...settings.map((line) => `   ${line}`),
    '',
    table,
    '',
    'Published: what a Rust design claims of its four ways, on another machine and not measured here: for orientation.',
    ...reasons,
    lost.length === 0 ? 'Nothing was lost.' : `Lost: ${JSON.stringify(lost)}`,
  ].join('\n');
}

type Figures = Omit<WayLine, 'way' | 'published'>;

function cellsOf({ way, published, ...figures }: WayLine): string[] {
  const { spansPerSecond, p50Millis, p95Millis, peakMegabytes } = figures;
  const ours = [spansPerSecond, p50Millis, p95Millis, peakMegabytes].map((figure) => figureText(figure, rounded));
  if (published === undefined) return [TITLES[way], ...ours, '', '', '', '', ''];
  const { spansPerSecond: rate, millis, megabytes } = published;
  const theirs = [rounded(rate), String(millis), `${megabytes[0]} … ${megabytes[1]}`];
  const late = behind(figures, published);
  const ahead = ['rate', 'wait', 'memory'].filter((what) => !late.includes(what));
  return [TITLES[way], ...ours, ...theirs, ahead.join(', '), late.join(', ')];
}

function behind({ spansPerSecond, p95Millis, peakMegabytes }: Figures, published: Published): string[] {
  return [
    ...(spansPerSecond.median < published.spansPerSecond ? ['rate'] : []),
    ...(p95Millis.median > published.millis ? ['wait'] : []),
    ...(peakMegabytes.median > published.megabytes[0] ? ['memory'] : []),
  ];
}

if (import.meta.main) await show({ ways });
