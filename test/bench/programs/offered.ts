// Spans at a rate that nobody asks the pipeline about.

import { type OfficialSettings, official, spanflow } from '../support/contestants.ts';
import { given, paced, program } from '../support/program.ts';
import { pipelineSpans } from '../support/workloads.ts';

export type Whose = 'spanflow' | 'official' | 'official, larger';

export interface OfferedInput {
  readonly whose: Whose;
  readonly url: string;
  readonly perSecond: number;
  readonly millis: number;
  readonly larger: Partial<OfficialSettings>;
}

export interface Offered {
  readonly offered: number;
  /** How long it took to offer them: more than it should where the machine is too slow. */
  readonly seconds: number;
  readonly losses: Readonly<Record<string, number>>;
}

const { whose, url, perSecond, millis, larger } = given<OfferedInput>();
const { spans } = pipelineSpans('request');

program(async (): Promise<Offered> => {
  const ignored = (): void => {};
  const route =
    whose === 'spanflow' ? spanflow(url, ignored) : official(url, ignored, whose === 'official' ? {} : larger);
  const startedMillis = performance.now();
  const offered = await paced(perSecond, millis, (index) => {
    const span = spans[index % spans.length];
    if (span !== undefined) route.processor.onEnd(span);
  });
  const seconds = (performance.now() - startedMillis) / 1_000;
  await route.processor.forceFlush();
  await route.close();
  return { offered, seconds, losses: route.losses() };
});
