import type { Intake, IntakeInput } from '../programs/intake.ts';
import type { BenchOptions, Report } from '../support/benchmark.ts';
import { inRounds, runOnce } from '../support/children.ts';
import { figureText, lineOf } from '../support/line.ts';
import { figureOf } from '../support/rounds.ts';

/** What the stages before the export cost: from `onEnd` to a batch, with two operators of a user in between. */
export async function intake({ brief }: BenchOptions): Promise<Report> {
  const times = brief ? { warmUpMillis: 50, millis: 100 } : { warmUpMillis: 700, millis: 1_000 };
  const runs = await inRounds(['request', 'bare'], brief ? 1 : 5, (workload) => {
    const input: IntakeInput = { workload, ...times };
    return runOnce<Intake>('intake', input);
  });
  const of = (workload: 'request' | 'bare') => (runs.get(workload) ?? []).map((run) => run.nanosPerSpan);
  const bare = figureText(figureOf(of('bare')), (value) => value.toFixed(0));
  const stats = figureText(figureOf([...runs.values()].flat().map((run) => run.nanosPerStats)), (value) =>
    value.toFixed(0),
  );
  return {
    title: 'From onEnd to the batch, without a network',
    settings: [
      'spanflow: fromSpanProcessor().spans$.pipe(filter(…), map(…), adaptiveBatch({ flushWhen })), with their defaults; nobody holds a batch',
      'CPU of the whole process, collector and the loop that offers the spans included; 512 spans in each turn of the event loop',
    ],
    lines: [lineOf('intake', 'onEnd to batch, 10 attributes', 'ns a span', { spanflow: of('request') })],
    notes: [`Bare spans: ${bare} ns a span`, `stats() of the two stages: ${stats} ns a call`],
    accounts: [...runs].flatMap(([what, all]) => all.map((run) => ({ who: 'spanflow', what, ...run }))),
  };
}
