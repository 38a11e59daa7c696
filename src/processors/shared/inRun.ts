import type { Observable } from 'rxjs';
import type { ProcessHold } from '../../internal/timers.ts';
import type { OpenStage } from '../../ledger/stage.ts';

/** The options that a run has a say in. */
interface OfRun {
  readonly flushWhen?: Observable<unknown> | undefined;
  readonly processHold?: ProcessHold;
}

/** Within a run, its flushes are taken, and its drain is what keeps the process alive, unless an option says otherwise. Stages behind that are subscribed when something is emitted are part of it, although no item of the input comes then. */
export function joinRun<S extends OfRun>(
  settings: S,
  { processHold = 'never' }: OfRun,
  { account, run }: OpenStage,
): S {
  if (run === undefined) return settings;
  run.coversWhatFollows(account);
  return { ...settings, processHold, flushWhen: settings.flushWhen ?? run.parts.flush$ };
}
