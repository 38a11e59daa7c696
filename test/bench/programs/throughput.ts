// One contestant, spans offered as fast as it delivers them, and what that costs this process.

import { answer, inputOf } from '../../scenarios/child.ts';
import { type OfficialSettings, official, type RawSettings, rawPosting, spanflow } from '../support/contestants.ts';
import { Offering } from '../support/offering.ts';
import { profiled } from '../support/profile.ts';
import { pipelineSpans, type WorkloadName } from '../support/workloads.ts';

export type Whose = 'spanflow' | 'official' | 'raw posting';

export interface ThroughputInput {
  readonly whose: Whose;
  readonly url: string;
  readonly workload: WorkloadName;
  /** Spans that are on their way at once. */
  readonly window: number;
  readonly official: OfficialSettings;
  readonly raw: RawSettings;
  readonly warmUpMillis: number;
  readonly millis: number;
  /** Where `SPANFLOW_DATA` points, if it does. */
  readonly data: string | undefined;
  /** Where a CPU profile is to be written, if one is wanted. */
  readonly profile?: string | undefined;
}

export interface Throughput {
  readonly spansPerSecond: number;
  readonly cpuMicrosPerSpan: number;
  /** Over the whole life of the process. */
  readonly offered: number;
  readonly delivered: number;
}

interface Running {
  readonly delivered: number;
  /** Resolves when everything that was offered is answered: with how much that was. */
  stop(): Promise<number>;
}

const input = inputOf<ThroughputInput>();
if (input.data !== undefined) process.env.SPANFLOW_DATA = input.data;
const { spans } = pipelineSpans(input.workload);

answer({ run });

async function run(): Promise<Throughput> {
  const running = input.whose === 'raw posting' ? posting() : exporting();
  await sleep(input.warmUpMillis);
  const measured = await profiled(input.profile, () => measure(running));
  const offered = await running.stop();
  return { ...measured, offered, delivered: running.delivered };
}

async function measure(running: Running): Promise<Pick<Throughput, 'spansPerSecond' | 'cpuMicrosPerSpan'>> {
  const before = { cpu: process.cpuUsage(), at: performance.now(), delivered: running.delivered };
  await sleep(input.millis);
  const { user, system } = process.cpuUsage(before.cpu);
  const seconds = (performance.now() - before.at) / 1_000;
  const delivered = running.delivered - before.delivered;
  return { spansPerSecond: delivered / seconds, cpuMicrosPerSpan: (user + system) / delivered };
}

function exporting(): Running {
  const { whose, url, window } = input;
  const onEnded = (count: number, delivered: number) => offering.ended(count, delivered);
  const route = whose === 'spanflow' ? spanflow(url, onEnded) : official(url, onEnded, input.official);
  const offering = new Offering(spans, window, (span) => route.processor.onEnd(span));
  offering.start();
  return {
    get delivered() {
      return offering.delivered;
    },
    async stop() {
      await offering.stop(() => route.processor.forceFlush());
      await route.close();
      return offering.offered;
    },
  };
}

function posting(): Running {
  let delivered = 0;
  const onEnded = (_: number, arrived: number) => {
    delivered += arrived;
  };
  const raw = rawPosting(input.url, spans, onEnded, input.raw);
  return {
    get delivered() {
      return delivered;
    },
    stop: () => raw.close(),
  };
}

function sleep(millis: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, millis));
}
