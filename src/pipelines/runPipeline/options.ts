import type { Observable } from 'rxjs';
import type { Channel } from '../../inputs/channel/options.ts';
import type { LogRecordInput } from '../../inputs/fromLogRecordProcessor.ts';
import type { SpanInput } from '../../inputs/fromSpanProcessor.ts';
import { runInputOf } from '../../inputs/runInput.ts';
import { must, settingsOf, shape } from '../../internal/validation.ts';
import {
  LIFE_CYCLE_DEFAULTS,
  LIFE_CYCLE_RULES,
  type LifeCycleOptions,
  type LifeCycleSettings,
} from '../lifeCycle/options.ts';

/** Where the items of a composition come from: an input that can flush and end (one of a subpath, such as `otlpReceiver()` of `spanflow/receiver`, has a `flush$`, too), or any Observable. */
export type PipelineInput =
  | SpanInput
  | LogRecordInput
  | Channel<unknown>
  | Pick<SpanInput, 'flush$'>
  | Observable<unknown>;

/** When the pipeline flushes, drains and warns. */
export type RunPipelineOptions = LifeCycleOptions;

export const OWNER = 'runPipeline';

const anInput = must(
  'fromSpanProcessor(), fromLogRecordProcessor(), channel(), otlpReceiver() or an Observable',
  (input) => typeof input === 'object' && input !== null && ('subscribe' in input || runInputOf(input) !== undefined),
);
const outcomes = shape('an Observable: what your composition returns, not yet subscribed', 'subscribe');

export function runPipelineSettings(
  input: unknown,
  outcomes$: unknown,
  options: RunPipelineOptions,
): LifeCycleSettings {
  const args = { input: [input, anInput], outcomes$: [outcomes$, outcomes] } as const;
  return settingsOf<LifeCycleSettings>(OWNER, LIFE_CYCLE_DEFAULTS, LIFE_CYCLE_RULES, options, args);
}
