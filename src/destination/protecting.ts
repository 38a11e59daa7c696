import type { SchedulerLike } from 'rxjs';
import { defer, type MonoTypeOperatorFunction } from 'rxjs';
import { holdProcess, type ProcessHold } from '../internal/timers.ts';
import { AttemptLine } from './attemptLine.ts';
import type { AttemptSize, Layer } from './layer.ts';
import { throughLayers } from './throughLayers.ts';

interface ProtectingPlan {
  readonly size: AttemptSize;
  readonly processHold: ProcessHold;
  readonly scheduler: SchedulerLike;
}

/** Passes each subscription through a layer, as one attempt. It waits for its turn with all others that the layer has. */
export function protecting<T>(layer: Layer, plan: ProtectingPlan): MonoTypeOperatorFunction<T> {
  const { size, processHold, scheduler } = plan;
  return (source) =>
    defer(() => {
      const line = new AttemptLine({ layers: [layer], now: () => scheduler.now() });
      return source.pipe(throughLayers({ line, size, hold: () => holdProcess(scheduler, processHold) }));
    });
}
