import type { ReceiverStats } from '../../inputs/otlpReceiver/index.ts';
import type { Stats } from '../../ledger/stats.ts';

/** Numbers by what they are called in Prometheus, with their labels: `spanflow_relay_items_total{stage="rebatch(traces)",fate="lost",reason="queueFull"}`. Those of several processes are added up. */
export interface RelayFigures {
  /** What only grows. */
  readonly counters: Readonly<Record<string, number>>;
  /** What is so at present. */
  readonly gauges: Readonly<Record<string, number>>;
}

type Labels = Readonly<Record<string, string | number>>;

export const NO_FIGURES: RelayFigures = Object.freeze({ counters: Object.freeze({}), gauges: Object.freeze({}) });

/** Of the books of a receiver, or of a composition. */
export function figuresOfLedger(
  { stages, queueSize, queueCapacity, queueBytes, callbackErrors }: Stats,
  part: string,
): RelayFigures {
  const figures = new Figures();
  for (const [stage, books] of Object.entries(stages)) {
    const items = (fate: string, count: number, labels: Labels = {}) =>
      figures.count('items', { stage, fate, ...labels }, count);
    items('accepted', books.accepted);
    items('delivered', books.delivered);
    items('rejected', books.rejected);
    items('handedOn', books.handedOn);
    items('removed', books.removed);
    for (const [reason, count] of Object.entries(books.refused)) items('refused', count, { reason });
    for (const [reason, count] of Object.entries(books.lost)) items('lost', count, { reason });
    for (const [figure, count] of Object.entries(books.figures ?? {}))
      figures.count('figures', { stage, figure }, count);
    figures.gauge('pending_items', { stage }, books.pending);
    figures.gauge('in_flight', { stage }, books.running);
    if (books.health !== undefined) figures.gauge('failing', { stage }, books.health.isFailing ? 1 : 0);
  }
  figures.count('callback_errors', { part }, callbackErrors);
  figures.gauge('queue_items', { part }, queueSize);
  figures.gauge('queue_capacity_items', { part }, queueCapacity);
  figures.gauge('queue_bytes', { part }, queueBytes);
  return figures;
}

export function figuresOfReceiver({
  requests,
  openRequests,
  bytesInFlight,
  malformedTexts,
  connections,
  answers,
}: ReceiverStats): RelayFigures {
  const figures = new Figures();
  figures.count('requests', {}, requests);
  for (const [protocol, counts] of Object.entries(answers))
    for (const [code, count] of Object.entries(counts)) figures.count('answers', { protocol, code }, count);
  figures.count('malformed_texts', {}, malformedTexts);
  figures.gauge('open_requests', {}, openRequests);
  figures.gauge('received_bytes_in_flight', {}, bytesInFlight);
  figures.gauge('connections', {}, connections);
  return figures;
}

/** One number that grows, or one that is so at present. */
export function figure(kind: keyof RelayFigures, name: string, value: number): RelayFigures {
  const figures = new Figures();
  if (kind === 'counters') figures.count(name, {}, value);
  else figures.gauge(name, {}, value);
  return figures;
}

/** Adds up what is called alike. */
export function sumOfFigures(all: readonly RelayFigures[]): RelayFigures {
  const sum = new Figures();
  for (const { counters, gauges } of all) {
    addAll(sum.counters, counters);
    addAll(sum.gauges, gauges);
  }
  return sum;
}

/** Without what somebody else counts. */
export function withoutCounters({ counters, gauges }: RelayFigures, names: readonly string[]): RelayFigures {
  const samples = new Set(names.map((name) => sampleOf(`${name}_total`, {})));
  return { counters: Object.fromEntries(Object.entries(counters).filter(([sample]) => !samples.has(sample))), gauges };
}

/** What stays of a part that has ended. */
export function onlyCounters({ counters }: RelayFigures): RelayFigures {
  return { counters, gauges: {} };
}

/** In the text format of Prometheus. */
export function prometheusText({ counters, gauges }: RelayFigures): string {
  return [...linesOf(counters, 'counter'), ...linesOf(gauges, 'gauge')].map((line) => `${line}\n`).join('');
}

function linesOf(samples: Readonly<Record<string, number>>, type: string): string[] {
  const byName = Map.groupBy(Object.entries(samples), ([sample]) => sample.split('{', 1)[0]);
  return [...byName].flatMap(([name, those]) => [
    `# TYPE ${name} ${type}`,
    ...those.map(([sample, value]) => `${sample} ${value}`),
  ]);
}

class Figures implements RelayFigures {
  readonly counters: Record<string, number> = {};
  readonly gauges: Record<string, number> = {};

  count(name: string, labels: Labels, value: number): void {
    add(this.counters, sampleOf(`${name}_total`, labels), value);
  }

  gauge(name: string, labels: Labels, value: number): void {
    add(this.gauges, sampleOf(name, labels), value);
  }
}

function sampleOf(name: string, labels: Labels): string {
  const pairs = Object.entries(labels).map(([label, value]) => `${label}="${escapedLabel(String(value))}"`);
  return `spanflow_relay_${name}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`}`;
}

function escapedLabel(value: string): string {
  return value.replace(/["\\\n]/g, (character) => (character === '\n' ? '\\n' : `\\${character}`));
}

function addAll(sums: Record<string, number>, values: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(values)) add(sums, name, value);
}

function add(sums: Record<string, number>, name: string, value: number): void {
  sums[name] = (sums[name] ?? 0) + value;
}
