// One of the ways to export that people choose between, on spans of a name, ids and times.

import { Acknowledged } from '../support/acknowledged.ts';
import { profiled } from '../support/profile.ts';
import { given, percentile, program, sleep } from '../support/program.ts';
import { bareSpans } from '../support/workloads.ts';
import { oneInFlight, streaming } from '../ways/inBatches.ts';
import { oneByOne, roundTrip } from '../ways/inTurn.ts';
import { sharedHandle } from '../ways/sharedHandle.ts';

const ways = { roundTrip, oneByOne, oneInFlight, streaming, sharedHandle };

export type WayName = keyof typeof ways;

export interface WayInput {
  readonly way: WayName;
  readonly url: string;
  readonly window: number;
  readonly callers: number;
  readonly warmUpMillis: number;
  readonly millis: number;
  /** Where a CPU profile is to be written, if one is wanted. */
  readonly profile?: string;
}

export interface WayResult {
  readonly spansPerSecond: number;
  /** From the end of a span to its acknowledgement. */
  readonly p50Millis: number;
  readonly p95Millis: number;
  /** The most that the process ever took, Node itself and the prepared spans included. */
  readonly peakMegabytes: number;
  readonly offered: number;
}

const { way, url, window, callers, warmUpMillis, millis, profile } = given<WayInput>();

program(async (): Promise<WayResult> => {
  // More than are on their way: none is twice at once.
  const spans = bareSpans(2 * window).batches.flat();
  const acknowledged = new Acknowledged(spans);
  let isOpen = true;
  const stop = ways[way]({ url, spans, window, callers, acknowledged, isOpen: () => isOpen });
  await sleep(warmUpMillis);
  acknowledged.forget();
  const startedMillis = performance.now();
  await profiled(profile, async () => {
    await sleep(millis);
    // On a machine that has other things to do a moment may pass without any.
    while (acknowledged.spans === 0) await sleep(10);
  });
  const seconds = (performance.now() - startedMillis) / 1_000;
  const { spans: count, waits } = acknowledged.forget();
  isOpen = false;
  return {
    spansPerSecond: count / seconds,
    p50Millis: percentile(waits, 0.5),
    p95Millis: percentile(waits, 0.95),
    offered: await stop(),
    peakMegabytes: process.resourceUsage().maxRSS / 1_024,
  };
});
