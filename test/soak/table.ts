import { columns } from '../bench/support/columns.ts';
import type { Second } from './arrivals.ts';
import {
  couldBeInFlight,
  cpuMicrosOf,
  cpuMicrosPerSpan,
  drainedAfterMillis,
  grownBy,
  heapBytesOf,
  secondsOf,
  spansPerSecond,
  thirdsOf,
} from './figures.ts';
import type { Phase, Sample } from './measure.ts';
import type { Outage, SoakResult, Stretch } from './soak.ts';

/** How many seconds of a return are shown. */
const RETURN_SECONDS = 6;

const COSTS = ['', 'spans/s', 'end p50', 'p99.9', 'CPU', 'last', 'heap', 'last', 'rss'];
const QUEUES = ['', 'queue', 'memory', 'of', 'attempts/s', 'delivered', 'lost, by reason'];

/** What a run has shown, as three tables and the books. */
export function textOf(result: SoakResult): string {
  return [costsText(result), queuesText(result), returnsText(result), booksText(result)].join('\n\n');
}

function costsText({ healthy, outages, drained }: SoakResult): string {
  const row = (name: string, { phase }: Stretch) => {
    const heap = thirdsOf(phase, heapBytesOf);
    const cpu = thirdsOf(phase, cpuMicrosOf);
    return [
      ...[name, whole(spansPerSecond(phase))],
      ...[beside(phase.endMicros.p50, healthy.phase.endMicros.p50)],
      ...[beside(phase.endMicros.p999, healthy.phase.endMicros.p999)],
      ...[beside(cpuMicrosPerSpan(phase), cpuMicrosPerSpan(healthy.phase)), `${ratio(cpu.last, cpu.middle)}`],
      ...[`${megabytes(heap.last)} MB`, `${ratio(heap.last, heap.middle)}`],
      `${megabytes(Math.max(...phase.slices.map(({ rssBytes }) => rssBytes)))} MB`,
    ];
  };
  const end = ['drained', '', '', '', '', '', `${megabytes(drained.heapBytes)} MB`, '', ''];
  return columns([COSTS, ...rowsOf(healthy, outages, row), end], new Set([0]));
}

function queuesText({ healthy, outages }: SoakResult): string {
  const row = (name: string, { phase }: Stretch) => [
    ...[name, whole(phase.most.queueSize), `${megabytes(phase.most.memoryBytes)} MB`],
    ...[`${megabytes(phase.budgetBytes)} MB`, (grownBy(phase, attemptsOf) / secondsOf(phase)).toFixed(1)],
    ...[whole(grownBy(phase, ({ delivered }) => delivered)), lossesText(phase)],
  ];
  return columns([QUEUES, ...rowsOf(healthy, outages, row)], new Set([0, 6]));
}

/** Second by second: requests, and how many spans each had. */
function returnsText({ healthy, outages }: SoakResult): string {
  const heads = Array.from({ length: RETURN_SECONDS }, (_, at) => `${at + 1}. s`);
  const row = (name: string, { seen }: Stretch, could: string, drained: string) => [
    ...[name, could, String(seen.ahead), String(seen.inFlight)],
    ...heads.map((_, at) => secondText(seen.seconds[at])),
    drained,
  ];
  const rows = outages.map((outage) => {
    const millis = drainedAfterMillis(outage, healthy.phase);
    const drained = millis === undefined ? 'no' : `${(millis / 1_000).toFixed(1)} s`;
    return row(`after ${outage.dead.state}`, outage.back, String(couldBeInFlight(outage)), drained);
  });
  const titles = ['', 'limit', 'ahead', 'in flight', ...heads, 'drained'];
  return columns([titles, row('healthy', healthy, '', ''), ...rows], new Set([0]));
}

function booksText({ drained: { ended, books }, stored }: SoakResult): string {
  const { delivered, possibleDuplicates, rejected, refused, lost } = books;
  const ends = [`${whole(delivered)} delivered`, ...(rejected > 0 ? [`${whole(rejected)} rejected`] : [])];
  const gone = countsText(refused, ' refused').concat(countsText(lost, ''));
  return [
    `${whole(ended)} spans ended = ${[...ends, ...gone].join(' + ')}`,
    `the backend stored ${whole(stored.spans)} different ones, and ${whole(stored.repeated)} once more; ${whole(possibleDuplicates)} of the delivered are known to be possible duplicates`,
  ].join('\n');
}

function rowsOf(
  healthy: Stretch,
  outages: readonly Outage[],
  row: (name: string, stretch: Stretch) => string[],
): string[][] {
  return [
    row('healthy', healthy),
    ...outages.flatMap(({ dead, back }) => [row(`dead: ${dead.state}`, dead), row('back', back)]),
  ];
}

function lossesText(phase: Phase): string {
  const reasons = ({ refused, lost }: Sample) => [...Object.keys(refused), ...Object.keys(lost)];
  const names = new Set(phase.samples.flatMap(reasons));
  const grown = [...names].map((reason) => {
    const countOf = ({ refused, lost }: Sample) => ((refused as Counts)[reason] ?? 0) + ((lost as Counts)[reason] ?? 0);
    return [reason, grownBy(phase, countOf)] as const;
  });
  const shown = grown.filter(([, count]) => count > 0).map(([reason, count]) => `${reason} ${whole(count)}`);
  return shown.length === 0 ? 'none' : shown.join(', ');
}

type Counts = Readonly<Record<string, number>>;

function countsText(counts: object, suffix: string): string[] {
  return Object.entries(counts as Counts).map(([reason, count]) => `${whole(count)} ${reason}${suffix}`);
}

function attemptsOf({ attempts }: Sample): number {
  return attempts;
}

function secondText(second: Second | undefined): string {
  return second === undefined || second.requests === 0
    ? '–'
    : `${second.requests} × ${whole(second.spans / second.requests)}`;
}

/** A figure in microseconds, and how many times as much as in the healthy phase. */
function beside(micros: number, healthy: number): string {
  return `${micros.toFixed(micros < 1 ? 2 : 1)} µs (${ratio(micros, healthy)})`;
}

function ratio(one: number, other: number): string {
  return `${(one / other).toFixed(2)} ×`;
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(0);
}

function whole(count: number): string {
  return Math.round(count).toLocaleString('en');
}
