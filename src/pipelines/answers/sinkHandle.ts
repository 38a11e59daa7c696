import { map, type OperatorFunction } from 'rxjs';
import { createGate } from '../../flow/gate.ts';
import { BoundedChannel } from '../../inputs/channel/channel.ts';
import { STAGE as CHANNEL } from '../../inputs/channel/options.ts';
import { Warnings } from '../../internal/diagWarnings.ts';
import { type Batch, type FlushUrgency, withItems } from '../../model/batch.ts';
import type { Outcome } from '../../model/outcome.ts';
import type { Sink } from '../../model/sink.ts';
import type { Loss } from '../../model/tally.ts';
import { adaptiveBatch } from '../../operators/adaptiveBatch/adaptiveBatch.ts';
import { endItems, loseItems, type TrackedItem } from '../../strategies/itemTally.ts';
import type { ExportHandleSettings } from '../exportHandle/options.ts';
import { ForeignItems } from '../foreignItems.ts';
import { LifeCycle } from '../lifeCycle/lifeCycle.ts';
import type { Shutdown } from '../lifeCycle/options.ts';
import { isRoutePending, type WayOut } from '../wayOut.ts';
import { answeredOperators } from './answeredOperators.ts';
import { CallBooks, type HandleStats } from './callBooks.ts';
import { CallIntake } from './callIntake.ts';
import { type ExportCall, openCall } from './exportCall.ts';
import type { ExportAnswer, ExportCallOptions, ExportHandle } from './handle.ts';

/** What differs between the compositions that answer calls. */
export interface HandlePlan<T> {
  /** All of them, each once. The handle owns them. */
  readonly sinks: readonly Sink<T>[];
  /** The user's, in front of the batches. */
  readonly operators: readonly OperatorFunction<T, T>[];
  /** From the batches to their outcomes. */
  readonly wayOut: (parts: WayOut<T>) => OperatorFunction<Batch<T>, Outcome<T>>;
}

/** A channel, operators, a batcher and a way out, whose items remember the call that they belong to. */
export class SinkHandle<T> implements ExportHandle<T> {
  readonly #settings: ExportHandleSettings<T>;
  /** Its life, for a composition around it. */
  readonly life: LifeCycle<T>;
  readonly #channel: BoundedChannel<TrackedItem<T>>;
  readonly #intake: CallIntake<T>;
  readonly #calls = new Set<ExportCall>(); // not yet answered
  readonly #callBooks = new CallBooks();
  #callCount = 0;
  #closing = false;
  readonly stats$: ExportHandle<T>['stats$'];
  readonly forceFlush: ExportHandle<T>['forceFlush'];
  readonly shutdown: Shutdown;
  readonly state$: ExportHandle<T>['state$'];

  constructor({ sinks, operators: given, wayOut }: HandlePlan<T>, settings: ExportHandleSettings<T>) {
    const gate = createGate();
    const { owner } = settings;
    const warnings = new Warnings(owner, settings.warnIntervalMillis, settings.scheduler);
    const life = new LifeCycle<T>(owner, sinks, settings, warnings);
    const channelSettings = { ...settings.channel, ...life.stageOptions, gate };
    const account = life.ledger.open('input', CHANNEL);
    this.#settings = settings;
    this.life = life;
    this.stats$ = life.ledger.stats$;
    this.#channel = new BoundedChannel(channelSettings, account);
    this.#intake = new CallIntake(this.#channel, channelSettings, account);
    const trackedOf = new WeakMap<object, readonly TrackedItem<T>[]>(); // by the batch that the sink is given
    const withoutCalls = (batch: Batch<TrackedItem<T>>) => {
      const plain = withItems(
        batch,
        batch.items.map(({ item }) => item),
      );
      trackedOf.set(plain, batch.items);
      return plain;
    };
    const onLoss = (loss: Loss, tracked: readonly TrackedItem<T>[]) => loseItems(tracked, loss);
    const operators = answeredOperators(given, life.exportOptions);
    const foreign = new ForeignItems(operators.places, (message) => warnings.trouble(message, 'operator'));
    const { forceFlush, shutdown } = life.run({
      outcomes$: this.#channel.items$.pipe(
        operators.through,
        adaptiveBatch({ ...settings.batch, ...life.stageOptions, gate, flushWhen: this.#channel.flush$, onLoss }),
        map(withoutCalls),
        wayOut({
          stage: life.exportOptions,
          flushWhen: this.#channel.flush$,
          onEnded: (outcome) => endItems(trackedOf.get(outcome.batch) ?? [], outcome),
        }),
      ),
      flush: (urgency) => foreign.flush((of) => this.#flush(of), urgency),
      whyLate: () => foreign.whyLate(),
      end: (urgency) => this.#end(urgency),
      taken: () => this.#callCount,
      isPending: () => this.#calls.size > 0 || isRoutePending(life.ledger.stats()),
      onDeadline: () => this.#channel.close(),
      onExitDeadline: () => this.#giveUp(),
      onDrained: () => this.#onDrained(),
    });
    life.followSettings(settings.settings$, settings.dealer);
    this.forceFlush = forceFlush;
    this.shutdown = shutdown;
    this.state$ = life.state$;
  }

  export(items: readonly T[], options: ExportCallOptions = {}): Promise<ExportAnswer> {
    const call = openCall(`${this.#settings.owner}.export`, items, options, this.#settings.scheduler);
    this.#callBooks.opened(call);
    if (call.signal?.aborted) return call.answer;
    this.#callCount += 1;
    this.#calls.add(call);
    const forget = () => this.#calls.delete(call);
    call.answer.then(forget, forget);
    if (this.#closing) this.#intake.refuse(call, items.length, 'alreadyShutdown');
    else this.#intake.enter(call, items);
    return call.answer;
  }

  stats(): HandleStats {
    return this.#callBooks.with(this.life.ledger.stats());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.shutdown();
  }

  /** At the end of the program, calls that still wait for room count as well. */
  async #flush(urgency: FlushUrgency): Promise<void> {
    if (urgency.isEnding) await this.#intake.allEntered();
    await this.#channel.flush(urgency);
  }

  async #end(urgency: FlushUrgency): Promise<void> {
    this.#closing = true;
    await this.#intake.allEntered();
    // Not awaited: `items$` completes when everything has left. This only makes it urgent.
    this.#channel.flush(urgency);
    this.#channel.close();
  }

  #giveUp(): void {
    const queued = this.#intake.giveUp();
    loseItems(queued, { count: queued.length, reason: 'shutdown', stage: CHANNEL });
    // What the batcher holds is sent on, and given up there.
    this.#channel.flush({ timeoutMillis: this.#settings.exitDeadlineMillis, isEnding: false });
  }

  /** A call whose item a sink has taken out of its batch would wait for ever. */
  #onDrained(): void {
    for (const call of this.#calls) call.giveUp('shutdown', this.#settings.owner);
    this.#intake.close();
  }
}
