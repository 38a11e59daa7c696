/** The client of all rows of one protocol: it is told of one trial after the other, and reports how its pipelines and its process have come through. */
import { createInterface } from 'node:readline';
import { report, timers, turn } from '../../process/programs/kit.ts';
import { meet } from './adversity.ts';
import { type Opened, open } from './pipelines.ts';
import { EVER_MILLIS, type Temper, type TrialInput } from './trialInput.ts';

/** For flush and shutdown of who does not wait. */
const HASTE_MILLIS = 30;

/** From then on it is told what is still open. Nothing of ours is allowed to be that slow, and whoever is slower by chance is waited for. */
const PATIENCE_MILLIS = 30_000;
/** Of the loop that looks for what is left. */
const PASSING: ReadonlySet<string> = new Set(['Immediate', 'Timeout']);

const collect = globalThis.gc as () => void;

for await (const line of createInterface(process.stdin)) await trial(JSON.parse(line) as TrialInput);

async function trial(input: TrialInput): Promise<void> {
  const before = resources();
  const { back, onAttempt } = meet(input.meets);
  for (let round = 0; round < input.rounds; round += 1) {
    const lives = Array.from({ length: input.pipelines }, (_, index) => [
      live('patient', `patient ${round}.${index}`, input, onAttempt),
      live('hasty', `hasty ${round}.${index}`, input, onAttempt),
    ]);
    await Promise.all(lives.flat());
    report('heap', { bytes: await heapBytes() });
  }
  if (input.recovers) await live('recovering', 'recovering', input, onAttempt);
  back();
  await release(before);
  report('over');
}

async function live(temper: Temper, name: string, input: TrialInput, onAttempt: () => void): Promise<void> {
  const opened = open(temper, input, onAttempt);
  await endSpans(opened, name, input);
  if (temper === 'recovering') {
    await opened.firstAttemptEnded;
    report('recovering');
  }
  const waits = temper === 'hasty' ? HASTE_MILLIS : EVER_MILLIS;
  const { pipeline } = opened;
  const flush = await pipeline.forceFlush({ timeoutMillis: waits }).then(
    () => 'done',
    ({ code }: { code: string }) => code,
  );
  const pendingAfterFlush = pipeline.stats().pending;
  const { lost } = await pipeline.shutdown({ deadlineMillis: waits });
  report('pipeline', { name, temper, flush, pendingAfterFlush, lostAtShutdown: lost, stats: pipeline.stats() });
}

async function endSpans(
  { tracer }: Opened,
  name: string,
  { spans, characters, overMillis }: TrialInput,
): Promise<void> {
  const attributes = { text: 'x'.repeat(characters) };
  for (let number = 0; number < spans; number += 1) {
    tracer.startSpan(`${name}#${number}`, { attributes }).end();
    if (overMillis > 0) await new Promise((resolve) => setTimeout(resolve, overMillis / spans));
  }
}

async function heapBytes(): Promise<number> {
  await turn();
  collect();
  await turn();
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** What the process has open, by type. */
function resources(): Map<string, number> {
  const counts = new Map<string, number>();
  for (const type of process.getActiveResourcesInfo()) counts.set(type, (counts.get(type) ?? 0) + 1);
  return counts;
}

/** What is open that was not before, and timers, also those that do not hold the process. Node's own are not meant. */
async function leftSince(before: ReadonlyMap<string, number>): Promise<string[]> {
  const { armedBy } = await timers();
  const opened = [...resources()].filter(([type, count]) => !PASSING.has(type) && count > (before.get(type) ?? 0));
  return [
    ...opened.map(([type]) => type),
    ...armedBy.filter((whose) => whose !== 'node').map((whose) => `timer of ${whose}`),
  ];
}

/** Resolves when nothing is left: a socket closes a while after it was told to, and `@grpc/grpc-js` lets the second run out after which it would have connected again. Whoever waits in vain is told why. */
async function release(before: ReadonlyMap<string, number>): Promise<void> {
  const beganMillis = performance.now();
  for (let isTold = false; ; await new Promise((resolve) => setTimeout(resolve, 10))) {
    const left = await leftSince(before);
    if (left.length === 0) return;
    if (isTold || performance.now() - beganMillis < PATIENCE_MILLIS) continue;
    isTold = true;
    report('stillOpen', { left });
  }
}
