import { Collector, freePorts } from '../../interop/collector/collector.ts';
import { cpuMicrosOf, relaying } from '../../interop/collector/relaying.ts';
import { Child } from '../../scenarios/child.ts';
import type { RelayCost, RelayInput } from './relayProgram.ts';

/** A relay in a process of its own. */
export interface OpenedRelay {
  readonly origin: string;
  begin(): Promise<void>;
  /** What it cost since it began. */
  take(): Promise<RelayCost>;
  close(): Promise<void>;
}

const BOUND_MILLIS = 600_000;

/** @param path of the bundled program */
export async function openedRelay(path: string, input: RelayInput): Promise<OpenedRelay> {
  const child = new Child('../bench/programs/relay', input, { boundMillis: BOUND_MILLIS, path });
  return {
    origin: await child.ask<string>('listen'),
    begin: () => child.ask('begin'),
    take: () => child.ask<RelayCost>('take'),
    close: () => child.end(),
  };
}

export async function openedCollector(binary: string, url: string): Promise<OpenedRelay> {
  const { http } = await freePorts();
  const collector = await Collector.start(binary, relaying(http, url));
  let before = 0;
  return {
    origin: `http://127.0.0.1:${http}`,
    begin: async () => {
      before = cpuMicrosOf(collector.id);
    },
    take: async () => ({ cpuMicros: cpuMicrosOf(collector.id) - before, peakBytes: Number.NaN }),
    close: async () => {
      await collector.stop();
      collector.remove();
    },
  };
}
