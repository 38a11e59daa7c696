import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import type { Observable, Subscriber } from 'rxjs';
import type { StageReporter } from '../../ledger/stageReporter.ts';
import { Outflow, type OutflowSettings } from './outflow.ts';

/** What spans are counted into. */
export interface Fold<R> {
  /** The first span after a harvest is about to be counted. */
  begin(): void;
  /** Counts a span. What it throws means that the span is not counted. */
  add(span: ReadableSpan): void;
  /** What has been counted, to be emitted. */
  harvest(): readonly R[];
}

export interface FoldingSettings extends OutflowSettings {
  readonly everyMillis: number;
}

/**
 * One subscription of an operator that counts spans, and emits what it has counted: a while after the first span, at a flush, and at the end. No timer runs while no span comes.
 *
 * In the books the spans are pending until they are in what is emitted, and removed then; what is emitted are new items. So the stage behind is offered as many as this one has handed on.
 */
export class Folding<R> {
  readonly #reporter: StageReporter<ReadableSpan>;
  readonly #fold: Fold<R>;
  readonly #out: Outflow<R>;
  readonly #delayMillis: () => number;
  #counted = 0; // spans since the last harvest

  constructor(
    subscriber: Subscriber<R>,
    settings: FoldingSettings,
    reporter: StageReporter<ReadableSpan>,
    fold: Fold<R>,
  ) {
    this.#reporter = reporter;
    this.#fold = fold;
    this.#delayMillis = () => settings.everyMillis;
    const harvest = () => this.#harvest();
    this.#out = new Outflow(subscriber, settings, reporter, {
      countOf: () => 1,
      isEmpty: () => this.#counted === 0,
      // Everything that is counted leaves together.
      ...{ came: () => 0, earliest: () => 0 },
      ...{ end: harvest, flush: harvest, due: harvest },
    });
  }

  follow(source: Observable<ReadableSpan>): void {
    this.#out.follow(
      source,
      (span) => this.#count(span),
      () => this.#stop(),
    );
  }

  #count(span: ReadableSpan): void {
    const { account } = this.#reporter;
    account.accept(1);
    if (this.#counted === 0) this.#fold.begin();
    try {
      this.#fold.add(span);
    } catch (thrown) {
      this.#reporter.callbackFailed(thrown);
      this.#reporter.lost('operatorFailed', [span]);
      return;
    }
    // A callback may have unsubscribed meanwhile.
    if (this.#out.isClosed) {
      this.#reporter.lost('unsubscribed', [span]);
      return;
    }
    this.#counted += 1;
    this.#out.arm(this.#delayMillis);
  }

  #harvest(): void {
    this.#out.disarm();
    if (this.#counted > 0) {
      const { account } = this.#reporter;
      account.remove(this.#counted);
      this.#counted = 0;
      for (const value of this.#fold.harvest()) {
        account.accept(1);
        this.#out.push(value);
      }
    }
    this.#out.drain();
  }

  /** Of spans that were counted, and of values that were not emitted. The spans themselves are not there any more. */
  #stop(): void {
    const { account } = this.#reporter;
    const count = this.#counted + this.#out.clear().length;
    if (count === 0) return;
    this.#counted = 0;
    account.lose(count, 'unsubscribed');
    this.#reporter.report({ count, reason: 'unsubscribed', stage: account.stage }, []);
  }
}
