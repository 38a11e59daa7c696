import type { SchedulerLike } from 'rxjs';
import { keepingAlive, outsideAnyContext } from '../../internal/timers.ts';
import { withinTime } from '../../internal/withinTime.ts';
import { messageOf } from '../../model/errors.ts';
import type { Sink } from '../../model/sink.ts';

/** Where exports have used up the deadline, a sink still gets this long to close what it has open. */
const LEAST_CLOSING_MILLIS = 1_000;

/** Lets a sink send what it holds. A failure is reported and does not fail the flush: losses are in the outcomes. */
export function flushSink(sink: Sink<never>, onTrouble: (message: string) => void): Promise<void> {
  return attempted(
    () => sink.forceFlush?.(),
    (reason) => onTrouble(`${sink.name} did not flush: ${reason}`),
  );
}

/** Lets a sink send what it holds, then shuts it down, even if its flush hangs. Both have until the deadline, the shutdown a second at least. */
export async function closeSink(
  sink: Sink<never>,
  scheduler: SchedulerLike,
  deadline: { readonly sinceMillis: number; readonly deadlineMillis: number },
  onTrouble: (message: string) => void,
): Promise<void> {
  const { sinceMillis, deadlineMillis } = deadline;
  const leftMillis = () => Math.max(0, sinceMillis + deadlineMillis - scheduler.now());
  const within = (millis: number, work: () => Promise<void>) =>
    withinTime(
      (onLate) => keepingAlive(scheduler, millis, onLate),
      work,
      () => {},
    );
  await within(leftMillis(), () => flushSink(sink, onTrouble));
  const shutdown = () =>
    attempted(
      () => sink.shutdown?.(),
      (reason) => onTrouble(`${sink.name} did not shut down: ${reason}`),
    );
  await within(Math.max(Math.min(LEAST_CLOSING_MILLIS, deadlineMillis), leftMillis()), shutdown);
}

async function attempted(work: () => unknown, onFailure: (reason: string) => void): Promise<void> {
  try {
    await outsideAnyContext(work);
  } catch (thrown) {
    onFailure(messageOf(thrown));
  }
}
