import { type Observable, Subject, type Subscription } from 'rxjs';
import type { Concurrency } from '../destination/concurrency.ts';
import { followSettings } from '../internal/liveSettings.ts';
import { pick } from '../internal/pick.ts';
import { overDefaults, type Rules, settingsOf, withoutUndefined } from '../internal/validation.ts';
import { ADAPTIVE_BATCH_RULES, type AdaptiveBatchChanges } from '../operators/adaptiveBatch/options.ts';
import {
  type ExportToChanges,
  type ExportToOptions,
  exportChangeRules,
  leaseMillis,
} from '../operators/exportTo/options.ts';

const BATCH_CHANGES = [
  'maxExportBatchSize',
  'maxExportBatchBytes',
  'scheduledDelayMillis',
  'targetLatencyMillis',
] as const;
const EXPORT_CHANGES = ['concurrency', 'attemptTimeoutMillis', 'retry'] as const;

/** New values for some of the options of a pipeline. What is left out stays as it is, within `retry`, too. `concurrency` only where it was given as a number: an Observable or a limiter, the default one too, changes by itself. */
export interface PipelineChanges extends Pick<AdaptiveBatchChanges, (typeof BATCH_CHANGES)[number]>, ExportToChanges {}

/** The option of a pipeline that changes others. */
export interface LiveOptions {
  /**
   * Changes while it runs: at each emission the options that it names (batch sizes, delay, target latency, concurrency, attempt timeout, retry policy) get new values, all of them or none. A change that breaks a rule, or names anything else, is counted, reported to
   * OpenTelemetry's `diag`, and changes nothing. Sizes and concurrency hold at once, the delay from the next batch on, the timeout from the next attempt on; a batch keeps the retry policy with which it was taken. When the Observable ends or fails, the last values stay. Default: none.
   */
  settings$?: Observable<PipelineChanges>;
}

/** What a pipeline has begun with, as far as it may change or bounds what may. */
export type LiveSettings = Required<
  Pick<ExportToOptions<never>, 'attemptTimeoutMillis' | 'retry'> &
    Pick<AdaptiveBatchChanges, (typeof BATCH_CHANGES)[number] | 'maxQueueSize' | 'maxQueueBytes'>
> & { readonly concurrency?: Concurrency | undefined };

interface DealerPlan {
  /** Names the mistakes. */
  readonly owner: string;
  readonly settings: LiveSettings;
  /** What the settings mean for the batcher besides: how many batches may be out, for example. */
  readonly follows: (settings: LiveSettings) => AdaptiveBatchChanges;
}

/** Checks the changes of a pipeline's settings by its own name, and deals them out to its stages. */
export class SettingsDealer {
  /** For the pipeline's `adaptiveBatch`. */
  readonly batch$ = new Subject<AdaptiveBatchChanges>();
  /** For its `exportTo`. */
  readonly export$ = new Subject<ExportToChanges>();
  readonly #plan: DealerPlan;
  #settings: LiveSettings;
  #leaseMillis: number; // the longest so far: a batch that is out may have been taken with it

  constructor(plan: DealerPlan) {
    this.#plan = plan;
    this.#settings = plan.settings;
    this.#leaseMillis = leaseMillis(plan.settings.retry.maxElapsedMillis);
  }

  follow(
    settings$: Observable<PipelineChanges> | undefined,
    onError: (thrown: unknown) => void,
    parent: Subscription,
  ): void {
    const check = (change: PipelineChanges) => this.#checked(change);
    followSettings(settings$, { check, apply: (changed) => this.#deal(changed), onError }, parent);
  }

  /** The named options alone, checked with all others. */
  #checked(change: PipelineChanges): PipelineChanges {
    const { concurrency, ...others } = this.#settings;
    const present = typeof concurrency === 'number' ? this.#settings : others;
    const rules = { ...pick(ADAPTIVE_BATCH_RULES, BATCH_CHANGES), ...exportChangeRules(concurrency) };
    settingsOf<PipelineChanges>(`${this.#plan.owner}.settings$`, present, rules as Rules<PipelineChanges>, change);
    return withoutUndefined(change);
  }

  #deal(changed: PipelineChanges): void {
    const retry = overDefaults(this.#settings.retry, changed.retry ?? {});
    this.#settings = { ...this.#settings, ...changed, retry };
    this.#leaseMillis = Math.max(this.#leaseMillis, leaseMillis(retry.maxElapsedMillis));
    const follows = { holdLeaseMillis: this.#leaseMillis, ...this.#plan.follows(this.#settings) };
    this.batch$.next({ ...withoutUndefined(pick(changed, BATCH_CHANGES)), ...follows });
    this.export$.next(withoutUndefined(pick(changed, EXPORT_CHANGES)));
  }
}
