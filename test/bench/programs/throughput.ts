// One contestant, spans offered as fast as it delivers them, and what that costs this process.

import type { Origin } from '../../support/data.ts';
import { type OfficialSettings, official, posting, type RawSettings, spanflow } from '../support/contestants.ts';
import { Offering } from '../support/offering.ts';
import { profiled } from '../support/profile.ts';
import { given, program, sleep } from '../support/program.ts';
import { pipelineSpans, type WorkloadName } from '../support/workloads.ts';

export type Whose = 'spanflow' | 'official' | 'encoding and posting' | 'raw posting';

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
  /** Where a CPU profile is to be written, if one is wanted. */
  readonly profile?: string;
}

interface Measured {
  readonly spansPerSecond: number;
  readonly cpuMicrosPerSpan: number;
}

export interface Throughput extends Measured {
  /** Over the whole life of the process. */
  readonly offered: number;
  readonly name: string;
  readonly origin: Origin;
}

interface Running {
  readonly delivered: number;
  /** Resolves when everything that was offered is answered: with how much that was. */
  stop(): Promise<number>;
}

const input = given<ThroughputInput>();
const { name, origin, spans } = pipelineSpans(input.workload);

program(async (): Promise<Throughput> => {
  const running = input.whose === 'spanflow' || input.whose === 'official' ? exporting() : posted();
  await sleep(input.warmUpMillis);
  const measured = await profiled(input.profile, () => measure(running));
  return { ...measured, offered: await running.stop(), name, origin };
});

async function measure(running: Running): Promise<Measured> {
  const before = { cpu: process.cpuUsage(), at: performance.now(), delivered: running.delivered };
  await sleep(input.millis);
  // On a machine that has other things to do a moment may pass without any.
  while (running.delivered === before.delivered) await sleep(10);
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

function posted(): Running {
  let delivered = 0;
  const onEnded = (_: number, arrived: number) => {
    delivered += arrived;
  };
  const when = input.whose === 'raw posting' ? 'beforehand' : 'each time';
  const stop = posting(input.url, spans, when, onEnded, input.raw);
  return {
    get delivered() {
      return delivered;
    },
    stop,
  };
}
