import type { Taken } from './backend.ts';
import { Child } from './child.ts';
import type { Scenario } from './scenarios.ts';
import type { SenderInput, Whose } from './sender.ts';

/** How one of them got through one scenario. */
export interface Result extends Taken {
  readonly scenario: Scenario;
  readonly whose: Whose;
  /** From the first span to the end of the shutdown. */
  readonly seconds: number;
}

const SHUTDOWN_MILLIS = 60_000;
/** Starting, counting and ending, on a machine that has other things to do. */
const MARGIN_MILLIS = 120_000;

/** Lets one of them send to a backend of its own, and asks that backend what it took. */
export async function measure(scenario: Scenario, whose: Whose): Promise<Result> {
  const bound = { boundMillis: scenario.traffic.seconds * 1_000 + SHUTDOWN_MILLIS + MARGIN_MILLIS };
  const backend = new Child('backend', scenario.backend, bound);
  try {
    const url = await backend.ask<string>('listen');
    const { traffic } = scenario;
    const input: SenderInput = { whose, url, traffic, shutdownMillis: SHUTDOWN_MILLIS };
    const sender = new Child('sender', input, bound);
    try {
      await sender.ask('start');
      return await follow(scenario, whose, backend, sender);
    } finally {
      await sender.end();
    }
  } finally {
    await backend.end();
  }
}

async function follow(scenario: Scenario, whose: Whose, backend: Child, sender: Child): Promise<Result> {
  await backend.ask('begin');
  const startedMillis = performance.now();
  await sender.ask('send');
  let taken: Taken | undefined;
  if (scenario.countAt === 'flush') {
    await sender.ask('flush');
    taken = await backend.ask<Taken>('count');
  }
  await sender.ask('shutDown');
  // What a shutdown leaves under way still counts, as long as the process lives by itself.
  await sender.end();
  const seconds = (performance.now() - startedMillis) / 1_000;
  taken ??= await backend.ask<Taken>('countInTheEnd');
  return { scenario, whose, seconds, ...taken };
}
