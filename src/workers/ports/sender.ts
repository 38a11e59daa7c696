import type { Subscriber } from 'rxjs';
import type { Batch } from '../../model/batch.ts';
import { messageOf } from '../../model/errors.ts';
import { type Attempt, ExportError, type Failure, type Response } from '../../model/sink.ts';
import { SendingCredits } from '../../strategies/credits.ts';
import { NotCloneableError } from '../payload/notCloneableError.ts';
import { packed } from '../payload/packed.ts';
import { type Link, type MessageEndpoint, openLink } from './endpoint.ts';
import type { FromReceiver, FromSender, PortAnswer } from './messages.ts';
import type { ToPortSettings } from './options.ts';

/** An attempt that waits for a credit, or for its answer. */
interface Sending<T> {
  readonly batch: Batch<T>;
  readonly attempt: Attempt | undefined;
  readonly subscriber: Subscriber<Response>;
  /** Where it was sent to, once it was. */
  sent: { readonly session: string; readonly id: number } | undefined;
}

const NOT_SENT: Failure = Object.freeze({ kind: 'retryable', connectionRefused: true });
const UNANSWERED: Failure = Object.freeze({ kind: 'unknownOutcome' });

/** The side that sends: batches wait here until the other side has given a credit. */
export class PortSender<T> {
  readonly #settings: ToPortSettings<T>;
  readonly #link: Link<FromSender>;
  readonly #credits = new SendingCredits();
  readonly #waiting = new Set<Sending<T>>(); // in the order of their coming
  readonly #inFlight = new Set<Sending<T>>();
  #away: string | undefined; // why nobody receives, as long as that is so

  constructor(endpoint: MessageEndpoint, settings: ToPortSettings<T>) {
    this.#settings = settings;
    this.#link = openLink<FromReceiver, FromSender>(endpoint, {
      channel: settings.channel,
      onMessage: (message) => this.#received(message),
      onClosed: (why) => this.#leave(why, () => UNANSWERED),
    });
    this.#link.send({ kind: 'hello' });
  }

  /** The attempt waits for a credit, is sent, and waits for its answer. Unsubscribing aborts it. */
  send(batch: Batch<T>, attempt: Attempt | undefined, subscriber: Subscriber<Response>): void {
    const sending: Sending<T> = { batch, attempt, subscriber, sent: undefined };
    if (this.#away !== undefined) {
      this.#fail(sending, NOT_SENT, this.#away);
      return;
    }
    attempt?.enter('connecting', `to channel '${this.#settings.channel}'`);
    this.#waiting.add(sending);
    this.#link.hold();
    subscriber.add(() => this.#abort(sending));
    this.#flow();
  }

  end(): void {
    this.#leave('it has been shut down', () => UNANSWERED);
    this.#link.send({ kind: 'end' });
    this.#link.end();
  }

  #received(message: FromReceiver): void {
    if (message.kind === 'bye') {
      this.#credits.end(message.session);
      if (this.#credits.session !== undefined) return; // of somebody who has left before the present one came
      // What the other side had seen, it goes on with, and answers.
      this.#leave('nobody receives any more', (id) => (id > message.lastId ? NOT_SENT : undefined));
      return;
    }
    if (message.kind === 'answer') this.#answered(message.session, message.id, message.answer);
    else this.#away = undefined;
    if (message.kind === 'credit' || message.session === this.#credits.session)
      this.#credits.allow(message.session, message.upTo);
    this.#flow();
  }

  #flow(): void {
    for (const sending of this.#waiting) {
      const session = this.#credits.session;
      const id = this.#credits.take();
      if (id === undefined || session === undefined) break;
      this.#waiting.delete(sending);
      this.#inFlight.add(sending);
      sending.sent = { session, id };
      this.#post(sending, session, id);
    }
    this.#rest();
  }

  #post(sending: Sending<T>, session: string, id: number): void {
    const { batch, attempt } = sending;
    const { items, bytes, closedBy } = batch;
    const { send } = this.#settings;
    try {
      // The items may be needed for another attempt, so only what was made of them is moved.
      const { value: payload, transfer } = send === undefined ? { value: items, transfer: [] } : packed(send(items));
      attempt?.enter('sending');
      this.#link.send({ kind: 'batch', session, id, payload, count: items.length, bytes, closedBy }, transfer);
      attempt?.enter('waiting');
    } catch (thrown) {
      this.#link.send({ kind: 'cancel', session, id }); // the number is used up
      this.#fail(sending, { kind: 'permanent' }, this.#refusal(thrown, items));
    }
  }

  #refusal(thrown: unknown, items: readonly T[]): string {
    const isCloning = (thrown as { name?: unknown } | null)?.name === 'DataCloneError';
    return isCloning ? messageOf(new NotCloneableError('the batch', items, thrown)) : messageOf(thrown);
  }

  #answered(session: string, id: number, answer: PortAnswer): void {
    const isMeant = ({ sent }: Sending<T>) => sent?.id === id && sent.session === session;
    const sending = [...this.#inFlight].find(isMeant);
    if (sending === undefined) return; // it was aborted meanwhile
    if (answer.kind === 'failed') {
      this.#fail(sending, answer.failure, answer.message);
      return;
    }
    const { rejected, removed, stored, message } = answer;
    this.#inFlight.delete(sending);
    sending.subscriber.next({
      rejected,
      removed,
      ...(stored > 0 && { stored }),
      ...(message !== undefined && { message }),
    });
    sending.subscriber.complete();
  }

  #fail(sending: Sending<T>, failure: Failure, why: string): void {
    this.#inFlight.delete(sending);
    this.#waiting.delete(sending);
    sending.subscriber.error(new ExportError(failure, `${this.#settings.name}: ${why}`));
  }

  #abort(sending: Sending<T>): void {
    this.#waiting.delete(sending);
    if (this.#inFlight.delete(sending) && sending.sent !== undefined)
      this.#link.send({ kind: 'cancel', ...sending.sent });
    this.#rest();
  }

  /** Nobody receives any more. What waits was not sent; of what was sent, `failureOf` says what its number means: `undefined` if an answer may still come. */
  #leave(why: string, failureOf: (id: number) => Failure | undefined): void {
    this.#away = why;
    for (const sending of [...this.#waiting]) this.#fail(sending, NOT_SENT, why);
    for (const sending of [...this.#inFlight]) {
      const failure = failureOf(sending.sent?.id ?? 0);
      if (failure !== undefined) this.#fail(sending, failure, why);
    }
    this.#rest();
  }

  #rest(): void {
    if (this.#waiting.size === 0 && this.#inFlight.size === 0) this.#link.release();
  }
}
