import type { Observable } from 'rxjs';
import { type StageStats, total } from '../../ledger/stageStats.ts';
import { durationText } from '../failures/text.ts';
import { RecordingSubscriber } from '../marbles/recordingSubscriber.ts';
import type { VirtualClock } from '../time/clock.ts';
import type { VirtualTimers } from '../time/virtualTimers.ts';
import { type Bounds, type Law, LawViolation, type MayVanish } from './law.ts';
import type { Ending, LawEvent, Scenario } from './scenario.ts';
import { ObservedWorld, type World } from './world.ts';

/** One pipeline in one scenario. */
export class Trial {
  readonly #clock: VirtualClock;
  readonly #timers: VirtualTimers;
  readonly #scenario: Scenario;
  readonly #bounds: Bounds;
  readonly #mayVanish: MayVanish;
  readonly #world: ObservedWorld;
  readonly #subscriber: RecordingSubscriber;
  #ended: 'complete' | 'error' | 'unsubscribe' | undefined;
  #violation: LawViolation | undefined; // kept, because a stream would catch it if it were thrown inside
  #attemptsAtEnd = 0;

  constructor(
    clock: VirtualClock,
    timers: VirtualTimers,
    scenario: Scenario,
    bounds: Bounds,
    mayVanish: MayVanish = () => false,
  ) {
    this.#clock = clock;
    this.#timers = timers;
    this.#scenario = scenario;
    this.#bounds = bounds;
    this.#mayVanish = mayVanish;
    this.#world = new ObservedWorld(scenario, () => this.#check());
    this.#subscriber = new RecordingSubscriber((event, isLate) => {
      if (isLate) this.#break('silence', 'something came after the end');
      if (event.kind === 'next') this.#world.receive(event.value);
      else this.#end(event.kind);
      this.#check();
    });
  }

  async run(pipeline: (world: World) => Observable<unknown>): Promise<void> {
    const { events, ending } = this.#scenario.schedule;
    pipeline(this.#world).subscribe(this.#subscriber);
    for (const event of events) this.#at(event.atMillis, () => this.#act(event));
    this.#at(ending.atMillis, () => this.#finish(ending));
    await this.#clock.until(ending.atMillis);
    if (ending.kind === 'unsubscribe') {
      await this.#clock.runMicrotasks();
      this.#checkReleased('was unsubscribed');
    }
    await this.#clock.untilIdle();
    this.#checkEnd(ending);
    if (this.#violation !== undefined) throw this.#violation;
  }

  #at(atMillis: number, run: () => void): void {
    this.#clock.schedule(atMillis, () => {
      run();
      this.#check();
    });
  }

  #act(event: LawEvent): void {
    if (event.kind === 'spans') this.#world.emit(event.count);
    else if (event.kind === 'stop') this.#world.stopWhen.next();
    else this.#world.flushWhen.next({ hold: () => ({ settle() {} }) });
  }

  #finish({ kind }: Ending): void {
    if (kind === 'complete') this.#world.source.complete();
    else if (kind === 'error') this.#world.source.error(new Error('the source fails'));
    else if (this.#ended === undefined) {
      this.#subscriber.unsubscribe();
      this.#end('unsubscribe');
    }
  }

  #end(how: 'complete' | 'error' | 'unsubscribe'): void {
    this.#ended ??= how;
    this.#attemptsAtEnd = this.#world.attempts;
  }

  /** Checks the laws that hold at every instant. */
  #check(): void {
    const stats = this.#world.ledger.stats();
    for (const [stage, books] of Object.entries(stats.stages)) this.#checkBooks(stage, books, 0);
    for (const [route, books] of Object.entries(stats.routes))
      this.#checkBooks(`the route ${route}`, books, books.between);
    this.#checkBooks('the whole', stats, stats.between);
    const { delivered, rejected } = stats;
    const { confirmed } = this.#world;
    if (delivered + rejected > confirmed) {
      this.#break(
        'conservation',
        `the ledger counts ${delivered + rejected} as delivered or rejected, but the backend has confirmed ${confirmed}`,
      );
    }
    this.#checkBounds(Object.keys(stats.stages).length > 0 ? stats.pending : this.#world.missing().length);
  }

  #checkBooks(stage: string, books: StageStats, between: number): void {
    const { offered, accepted, refused, delivered, rejected, handedOn, removed, lost, pending } = books;
    if (offered !== accepted + total(refused)) {
      this.#break(
        'conservation',
        `${stage}: ${offered} were offered, but ${accepted} accepted and ${total(refused)} refused`,
      );
    }
    const ended = delivered + rejected + handedOn + removed + total(lost);
    if (accepted === ended + pending + between && pending >= 0) return;
    this.#break(
      'conservation',
      `${stage}: ${accepted} were accepted, but ${ended} have ended and ${pending} are pending`,
    );
  }

  #checkBounds(pending: number): void {
    const most = { pending: Number.POSITIVE_INFINITY, attempts: Number.POSITIVE_INFINITY, ...this.#bounds };
    if (pending > most.pending)
      this.#break('bounds', `${pending} items are pending, but at most ${most.pending} are allowed`);
    const { mostRunning } = this.#world;
    if (mostRunning > most.attempts)
      this.#break('bounds', `${mostRunning} attempts were in flight, but at most ${most.attempts} are allowed`);
  }

  #checkReleased(when: string): void {
    const { source, running } = this.#world;
    const timers = [...this.#timers.pending].map((timer) => timer.describe());
    const left = [
      ...(source.observed ? ['a subscription to the source'] : []),
      ...(running > 0 ? [`${running} attempts`] : []),
      ...timers,
    ];
    if (left.length > 0) this.#break('release', `when it ${when}, this was left: ${left.join(', ')}`);
  }

  #checkEnd({ kind }: Ending): void {
    const { attempts, ledger, running } = this.#world;
    if (this.#ended === undefined) {
      this.#break('end', `the source has ended, but the pipeline has not; ${running} attempts are in flight`);
      return;
    }
    if (attempts > this.#attemptsAtEnd)
      this.#break('silence', `${attempts - this.#attemptsAtEnd} attempts began after the end`);
    this.#checkReleased('was over');
    const { pending } = ledger.stats();
    if (pending > 0) this.#break('conservation', `${pending} items are still pending at the end`);
    const vanished = this.#world.missing().filter((span) => !this.#mayVanish(span, kind));
    if (vanished.length === 0) return;
    this.#break(
      'conservation',
      `${vanished.length} spans vanished, the first of them number ${Number(`0x${vanished[0]?.spanContext().spanId}`)}: they never reached the sink, and no loss was reported`,
    );
  }

  #break(law: Law, message: string): void {
    this.#violation ??= new LawViolation(law, `${message} (at ${durationText(this.#clock.now())})`);
  }
}
