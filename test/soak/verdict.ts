import { total } from '../../src/ledger/stageStats.ts';
import { couldBeInFlight, heapBytesOf, thirdsOf } from './figures.ts';
import type { Phase } from './measure.ts';
import type { Outage, SoakResult, Stretch } from './soak.ts';

/** Why a span may be lost here. Any other reason would be a surprise. */
const REASONS: ReadonlySet<string> = new Set(['queueFull', 'retriesExhausted', 'unconfirmed', 'expired']);

/** The defaults of `adaptiveConcurrency` and `adaptiveBatch`. */
const MAX_LIMIT = 200;
const MAX_BATCH_SIZE = 2_000;

/** A heap that is level varies by less than this from one third of a phase to the next, and one that takes all that is lost by far more. */
export const LEVEL_RATIO = 1.5;

/** What did not hold, of what depends neither on the machine nor on what else it does. */
export function faultsOf(result: SoakResult): string[] {
  const stretches = [result.healthy, ...result.outages.flatMap(({ dead, back }) => [dead, back])];
  return [
    ...stretches.flatMap(({ state, phase }) => phase.broken.map((broken) => `${state}: ${broken}`)),
    ...stretches.filter(({ state }) => state === 'well').flatMap((stretch) => requestFaults(stretch, result)),
    ...result.outages.flatMap(returnFaults),
    ...result.outages.flatMap(({ dead }) => levelFaults(dead)),
    ...endFaults(result),
  ];
}

function requestFaults({ seen }: Stretch, { plan: { limits } }: SoakResult): string[] {
  const { maxLimit = MAX_LIMIT, maxExportBatchSize = MAX_BATCH_SIZE } = limits;
  return [
    ...(seen.inFlight > maxLimit ? [`${seen.inFlight} requests in flight, and the limit is ${maxLimit}`] : []),
    ...(seen.largest > maxExportBatchSize ? [`${seen.largest} spans in a request for ${maxExportBatchSize}`] : []),
  ];
}

/** No storm: what the sender began with, and one more for each answer. */
function returnFaults(outage: Outage): string[] {
  const { ahead } = outage.back.seen;
  const most = couldBeInFlight(outage);
  if (ahead <= most) return [];
  return [`after ${outage.dead.state}: ${ahead} requests were ahead of their answers, and ${most} could be in flight`];
}

function levelFaults({ state, phase }: Stretch): string[] {
  const { middle, last } = thirdsOf(phase, heapBytesOf);
  return last <= LEVEL_RATIO * middle ? [] : [`${state}: the heap went from ${middle} to ${last} bytes`];
}

function endFaults({ healthy, drained, stored }: SoakResult): string[] {
  const { books, ended, heapBytes, memoryBytes } = drained;
  const { offered, delivered, rejected, refused, lost, pending } = books;
  const accounted = delivered + rejected + total(refused) + total(lost);
  const most = delivered + (lost.unconfirmed ?? 0);
  const others = Object.keys({ ...refused, ...lost }).filter((reason) => !REASONS.has(reason));
  return [
    ...(offered === ended ? [] : [`${ended} spans have ended, and ${offered} were offered`]),
    ...(accounted === ended ? [] : [`${ended} spans have ended, and ${accounted} are accounted for`]),
    ...(pending === 0 && memoryBytes === 0 ? [] : [`${pending} spans and ${memoryBytes} bytes are left`]),
    ...(stored.spans >= delivered ? [] : [`${delivered} spans are delivered, and ${stored.spans} stored`]),
    ...(stored.spans <= most ? [] : [`${stored.spans} spans are stored, and ${most} delivered or unconfirmed`]),
    ...others.map((reason) => `spans were lost as ${reason}`),
    ...endHeapFaults(healthy.phase, heapBytes),
  ];
}

function endHeapFaults(healthy: Phase, heapBytes: number): string[] {
  const { last } = thirdsOf(healthy, heapBytesOf);
  return heapBytes <= LEVEL_RATIO * last ? [] : [`the heap is ${heapBytes} bytes in the end, and was ${last} at first`];
}
