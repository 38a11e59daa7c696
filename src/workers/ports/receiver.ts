import { threadId } from 'node:worker_threads';
import type { Subscriber } from 'rxjs';
import { HeldBatch } from '../../flow/heldBatch.ts';
import { answerOf } from '../../internal/runGuarded.ts';
import type { StageReporter } from '../../ledger/stageReporter.ts';
import type { Batch } from '../../model/batch.ts';
import { lostTally, type Tally } from '../../model/tally.ts';
import { ReceivingCredits } from '../../strategies/credits.ts';
import { ARRIVED, answerTo } from './answers.ts';
import { type Link, type MessageEndpoint, openLink } from './endpoint.ts';
import type { FromReceiver, FromSender, PortAnswer } from './messages.ts';
import type { FromPortSettings } from './options.ts';

type SentBatch = Extract<FromSender, { kind: 'batch' }>;

let sessions = 0; // that were begun in this thread

/** One subscription of `fromPort`: gives credits, emits batches, and answers for each how it ended. */
export class PortReceiver<T> {
  readonly #subscriber: Subscriber<Batch<T>>;
  readonly #settings: FromPortSettings<T>;
  readonly #reporter: StageReporter<T>;
  readonly #session = `${process.pid}.${threadId}.${++sessions}`;
  readonly #credits: ReceivingCredits;
  readonly #out = new Map<number, HeldBatch<T>>(); // without an outcome
  readonly #next = (batch: Batch<T>) => this.#subscriber.next(batch);
  readonly #link: Link<FromReceiver>;
  #announced = 0;
  #lastId = 0; // of the batches that have come
  #isClosed = false; // the other side is gone

  constructor(
    endpoint: MessageEndpoint,
    subscriber: Subscriber<Batch<T>>,
    settings: FromPortSettings<T>,
    reporter: StageReporter<T>,
  ) {
    this.#subscriber = subscriber;
    this.#settings = settings;
    this.#reporter = reporter;
    this.#credits = new ReceivingCredits(settings.maxBatches);
    this.#link = openLink<FromSender, FromReceiver>(endpoint, {
      channel: settings.channel,
      onMessage: (message) => this.#received(message),
      onClosed: () => this.#end(),
    });
  }

  /** Gives the first credits, and all later ones. */
  open(): void {
    this.#subscriber.add(() => this.#leave());
    const { saturated$ } = this.#settings.gate;
    this.#subscriber.add(saturated$.subscribe((isSaturated) => !isSaturated && this.#giveCredit()));
  }

  #received(message: FromSender): void {
    if (message.kind === 'hello') this.#giveCredit(true);
    else if (message.kind === 'end') this.#end();
    else if (message.session !== this.#session) return;
    else if (message.kind === 'batch') this.#take(message);
    else this.#cancelled(message.id);
  }

  #take(sent: SentBatch): void {
    this.#lastId = sent.id;
    const items = this.#itemsOf(sent);
    const { account } = this.#reporter;
    if (items === undefined) return;
    account.accept(items.length);
    account.handOn(items.length);
    if (items.length === 0) {
      this.#answer(sent.id, ARRIVED);
      return;
    }
    const ignore = () => {};
    const settled = (tally: Tally) => this.#answer(sent.id, answerTo(sent.count, items.length, tally));
    const owner = {
      books: account,
      ...{ onUnready: ignore, onTakenBack: ignore, onTakenOver: ignore },
      onHandedOn: () => this.#answer(sent.id, ARRIVED),
      onSettled: (_: unknown, tally: Tally) => settled(tally),
    };
    const batch = new HeldBatch<T>(owner, { items, bytes: sent.bytes, closedBy: sent.closedBy }, 0, 0);
    this.#out.set(sent.id, batch);
    account.passOn(this.#next, batch);
    batch.emitted();
  }

  /** What was sent, as items; if that fails, the batch is refused. */
  #itemsOf({ id, payload, count }: SentBatch): readonly T[] | undefined {
    const { receive } = this.#settings;
    let why: unknown = new TypeError('receive returned no array');
    const items = answerOf<readonly T[] | undefined>(
      () => receive(payload),
      undefined,
      (thrown) => {
        why = thrown;
      },
    );
    if (Array.isArray(items)) return items;
    const { account } = this.#reporter;
    account.refuse(count, 'operatorFailed');
    this.#reporter.report({ count, reason: 'operatorFailed', stage: account.stage }, []);
    this.#reporter.callbackFailed(why);
    this.#answer(id, answerTo(count, count, lostTally(count, 'operatorFailed', account.stage)));
    return undefined;
  }

  /** The other side does not wait for it any more: its place is free, whoever holds it. */
  #cancelled(id: number): void {
    const batch = this.#out.get(id);
    if (batch !== undefined) batch.expire(lostTally(batch.size, 'leaseExpired', this.#reporter.account.stage));
    if (id <= this.#lastId) return;
    // It could not be sent.
    this.#lastId = id;
    this.#credits.ended();
    this.#giveCredit();
  }

  #answer(id: number, answer: PortAnswer): void {
    this.#out.delete(id);
    this.#credits.ended();
    this.#announced = this.#limit();
    if (!this.#isClosed) this.#link.send({ kind: 'answer', session: this.#session, id, answer, upTo: this.#announced });
  }

  #giveCredit(isAsked = false): void {
    const upTo = this.#limit();
    if (this.#isClosed || (upTo === this.#announced && !isAsked)) return;
    this.#announced = upTo;
    this.#link.send({ kind: 'credit', session: this.#session, upTo });
  }

  #limit(): number {
    return this.#credits.limit(this.#settings.gate.open && !this.#subscriber.closed);
  }

  #end(): void {
    this.#isClosed = true;
    this.#subscriber.complete();
  }

  /** Unsubscribed, or at the end. What has come is answered when it ends. */
  #leave(): void {
    this.#link.end();
    if (!this.#isClosed) this.#link.send({ kind: 'bye', session: this.#session, lastId: this.#lastId });
  }
}
