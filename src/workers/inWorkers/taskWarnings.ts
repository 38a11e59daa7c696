import { Warnings } from '../../internal/diagWarnings.ts';
import { monotonicScheduler } from '../../internal/scheduler.ts';
import { SpanflowError } from '../../model/errors.ts';

/** After the first failure of a kind, the newest of it is told after this long, in milliseconds. */
const WARNING_INTERVAL_MILLIS = 30_000;

/** Tells `diag` why chunks are lost to their tasks or workers: the first failure of each kind at once, and then the newest of that kind, with their number, once per interval. The kinds are the codes of our errors, which are few, and one for what callbacks throw. */
export class TaskWarnings {
  readonly #stage: string;
  readonly #kinds = new Map<string, Warnings>();

  constructor(stage: string) {
    this.#stage = stage;
  }

  tell(error: unknown): void {
    if (error instanceof SpanflowError) this.#of(error.code).trouble(error.message, 'operator');
    else this.#of('callback').callbackFailed(error);
  }

  /** Tells what is left. */
  close(): void {
    for (const warnings of this.#kinds.values()) warnings.close();
  }

  #of(kind: string): Warnings {
    const warnings = this.#kinds.get(kind) ?? new Warnings(this.#stage, WARNING_INTERVAL_MILLIS, monotonicScheduler);
    this.#kinds.set(kind, warnings);
    return warnings;
  }
}
