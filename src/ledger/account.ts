import type { CallFrame } from '../internal/callFrame.ts';
import type { Keeper, Kept } from '../model/keeper.ts';
import type { Sink } from '../model/sink.ts';
import type { Loss, LossReason, Tally } from '../model/tally.ts';
import { ExportBooks, type ExportOperation } from './exports.ts';
import { type GaugeSums, type Gauges, healthIn, type StageHealth, sumOfGauges } from './gauges.ts';
import { add, type Counts, type StageStats, total } from './stageStats.ts';

/** What a stage does. `input`: it lets items in · `operator`: it passes them on · `batch`: it makes batches of them · `sink`: it ends their way. */
export type Role = 'input' | 'operator' | 'batch' | 'sink';

/** Where in the flow a stage stands. */
export interface Place {
  /** The stages whose items it is offered; empty for an input. Stages behind one fan-out share the array. */
  readonly follows: readonly Account[];
  /** The route that it was declared to be on, behind a fan-out. */
  readonly route: string | undefined;
  /** Whether the whole looks at this route: an item counts as delivered there when the required route that has delivered least has delivered it. */
  readonly isRequired: boolean;
}

/** The ledger that an account belongs to. */
export interface AccountOwner {
  /** The calls of the sinks' `export`, in all stages of the ledger. */
  readonly exportCalls: CallFrame;
  /** Keeps what would be lost at the end of the program; `undefined` where nothing does. */
  readonly keeper: Keeper | undefined;
  /** Whether somebody is told when the books change. */
  readonly isFollowed: boolean;
  /** The books have changed. */
  touch(): void;
  /** The account has another place. */
  moved(): void;
  has(account: Account): boolean;
  /** A stage reports a loss of its own. */
  lost(loss: Loss): void;
  /** An export of a stage has ended. */
  exported(by: Account, tally: Tally, operation: ExportOperation): void;
  /** The destination of a stage may have begun or ceased to fail. */
  healthChanged(): void;
  /** A callback of a stage has thrown. */
  callbackThrew(thrown: unknown): void;
}

/** The books of one stage: its verbs are the only way to change them, and each keeps both equations. */
export class Account {
  readonly role: Role;
  /** The key of the stage in losses, outcomes and statistics. */
  readonly stage: string;
  /** The `follows` of each stage that follows only this one: one array for all, because a fan-out is recognised by it. */
  readonly alone: readonly Account[] = [this];
  #place: Place;
  /** Whether an item that went on is on its way through the operators behind. */
  isPassingOn = false;
  /** How many items that is: the receiver hands on those of a request together. */
  itemsAtATime = 1;
  readonly #owner: AccountOwner;
  #around: (<R>(work: () => R) => R) | undefined; // what its items are passed on within
  #lastMaker: object | undefined; // of the newest batch that came
  readonly #batchers = new Set<Account>(); // of this ledger, whose batches have come
  readonly #gauges = new Set<Gauges>(); // of each subscription that runs
  #exports: ExportBooks | undefined; // of a sink, from its first attempt on
  #sink: Sink<never> | undefined; // that it exports to
  #attempts = 0;
  #retries = 0;
  #callbackErrors = 0;
  #accepted = 0;
  #refused = 0;
  #pending = 0;
  #delivered = 0;
  #possibleDuplicates = 0;
  #rejected = 0;
  #handedOn = 0;
  #removed = 0;
  #emitted = 0; // items that left in batches
  readonly #lostHereBy: Partial<Record<LossReason, number>> = {}; // by the stage itself, not by the holders of its batches
  readonly #refusedBy: Partial<Record<LossReason, number>> = {};
  readonly #lostBy: Partial<Record<LossReason, number>> = {};
  #figures: Record<string, number> | undefined; // what the stage counts besides, by name

  constructor(role: Role, stage: string, place: Place, owner: AccountOwner) {
    this.role = role;
    this.stage = stage;
    this.#place = place;
    this.#owner = owner;
  }

  get exportCalls(): CallFrame {
    return this.#owner.exportCalls;
  }

  /** Items of a batch, from one on, that this stage would lose for this reason are kept beyond the end of the program, if there is a keeper for them. */
  keep(items: readonly unknown[], from: number, reason: LossReason): Kept | undefined {
    return this.#owner.keeper?.keep(items, from, reason, this.#place.route);
  }

  get attempts(): number {
    return this.#attempts;
  }

  get retries(): number {
    return this.#retries;
  }

  get callbackErrors(): number {
    return this.#callbackErrors;
  }

  get place(): Place {
    return this.#place;
  }

  /** It turns out which stages stand in front of it. */
  follow(follows: readonly Account[]): void {
    this.#place = { ...this.#place, follows };
    this.#owner.moved();
  }

  /** Its items are passed on within this from now on, until the returned function is called. */
  passOnWithin(around: <R>(work: () => R) => R): () => void {
    this.#around = around;
    return () => {
      this.#around = undefined;
    };
  }

  /** Gives the operators behind an item that was handed on, or a batch that was emitted. */
  passOn<V>(next: (value: V) => void, value: V): void {
    const before = this.isPassingOn;
    this.isPassingOn = true;
    try {
      if (this.#around === undefined) next(value);
      else this.#around(() => next(value));
    } finally {
      this.isPassingOn = before;
    }
  }

  /**
   * A batch came, made by the stage with these books. If that stage is in the same ledger and not in front of this one, the place was inferred wrongly: the sink was opened before its batcher.
   */
  comesFrom(maker: object | undefined): void {
    if (maker === this.#lastMaker) return;
    this.#lastMaker = maker;
    if (!(maker instanceof Account) || this.#batchers.has(maker) || !this.#owner.has(maker)) return;
    this.#batchers.add(maker);
    if (this.#isBehind(maker)) return;
    this.#place = { ...this.#place, follows: this.#batchers.size === 1 ? maker.alone : [...this.#batchers] };
    this.#owner.moved();
  }

  #isBehind(other: Account): boolean {
    return this.#place.follows.some((stage) => stage === other || stage.#isBehind(other));
  }

  /** What can be read as long as this goes on; the returned function ends it. */
  watch(gauges: Gauges): () => void {
    this.#gauges.add(gauges);
    return () => {
      this.#gauges.delete(gauges);
      if (gauges.health !== undefined) this.healthChanged();
    };
  }

  /** What its running subscriptions show, summed. */
  gauges(): GaugeSums {
    return sumOfGauges(this.#gauges);
  }

  /** How its destination is; `undefined` of a stage that exports nothing at present. */
  get health(): StageHealth | undefined {
    return healthIn(this.#gauges);
  }

  /** The destination may have begun or ceased to fail. */
  healthChanged(): void {
    this.#owner.healthChanged();
  }

  attempted(isRetry: boolean): void {
    this.#attempts += 1;
    if (isRetry) this.#retries += 1;
    this.#touch();
  }

  /** How long an attempt took. */
  attemptEnded(millis: number): void {
    this.#exports ??= new ExportBooks();
    this.#exports.attemptEnded(millis);
  }

  /** Of a stage that exports: how a batch ended. */
  batchEnded(tally: Tally, operation: ExportOperation): void {
    this.#exports ??= new ExportBooks();
    this.#exports.batchEnded(tally);
    this.tellExport(tally, operation);
  }

  /** Tells the end of an export to those who watch the ledger. */
  tellExport(tally: Tally, operation: ExportOperation): void {
    this.#owner.exported(this, tally, operation);
  }

  /** It exports to this sink. */
  exportsTo(sink: Sink<never>): void {
    this.#sink = sink;
  }

  /** The sink that it exports to, once it is subscribed to; `undefined` of a stage that does not export. */
  get sink(): Sink<never> | undefined {
    return this.#sink;
  }

  /** How the exports of this stage went; `undefined` of a stage that has exported nothing. */
  get exports(): ExportBooks | undefined {
    return this.#exports;
  }

  /** A user's callback threw, or returned an invalid value. */
  callbackFailed(): void {
    this.#callbackErrors += 1;
    this.#touch();
  }

  /** Tells a loss that is in the books to those who watch the ledger. */
  tellLoss(loss: Loss): void {
    this.#owner.lost(loss);
  }

  /** Tells what a callback has thrown to those who watch the ledger. */
  tellThrown(thrown: unknown): void {
    this.#owner.callbackThrew(thrown);
  }

  #touch(): void {
    if (this.#owner.isFollowed) this.#owner.touch();
  }

  accept(count: number): void {
    this.#accepted += count;
    this.#pending += count;
    this.#touch();
  }

  refuse(count: number, reason: LossReason): void {
    this.#refused += count;
    add(this.#refusedBy, reason, count);
    this.#touch();
  }

  /** Pending items were passed to a consumer that did not hold their batch. */
  handOn(count: number): void {
    this.#pending -= count;
    this.#handedOn += count;
    this.#touch();
  }

  /** Items that count as handed on are pending again: their batch was held late. */
  takeBack(count: number): void {
    this.#pending += count;
    this.#handedOn -= count;
    this.#touch();
  }

  lose(count: number, reason: LossReason): void {
    this.#pending -= count;
    add(this.#lostBy, reason, count);
    add(this.#lostHereBy, reason, count);
    this.#touch();
  }

  /** Pending items were taken out on purpose: a sampler does not keep them. */
  remove(count: number): void {
    this.#pending -= count;
    this.#removed += count;
    this.#touch();
  }

  /** Counts something besides the books, which the stage names. */
  figure(name: string, count: number): void {
    this.#figures ??= {};
    this.#figures[name] = (this.#figures[name] ?? 0) + count;
    this.#touch();
  }

  /** What the stage counts besides its books; `undefined` of most stages. */
  get figures(): Readonly<Record<string, number>> | undefined {
    return this.#figures && { ...this.#figures };
  }

  /** Pending items left in a batch. They stay pending until the batch has an outcome, or is handed on. */
  emit(count: number): void {
    this.#emitted += count;
  }

  /** `count` pending items ended as the tally says; what it leaves out was removed on the way. */
  settle(count: number, tally: Tally): void {
    let rest = count;
    const upTo = (claimed: number) => {
      const counted = Math.min(rest, Math.max(0, Math.trunc(claimed) || 0));
      rest -= counted;
      return counted;
    };
    const delivered = upTo(tally.delivered);
    this.#delivered += delivered;
    this.#possibleDuplicates += Math.min(delivered, Math.max(0, tally.possibleDuplicates ?? 0));
    this.#rejected += upTo(tally.rejected);
    this.#handedOn += upTo(tally.stored ?? 0);
    for (const loss of tally.lost) add(this.#lostBy, loss.reason, upTo(loss.count));
    this.#removed += rest;
    this.#pending -= count;
    this.#touch();
  }

  /** What the stage itself has lost, by reason, without what was lost of batches that had left. */
  get lostHere(): Counts {
    return this.#lostHereBy;
  }

  get offered(): number {
    return this.#accepted + this.#refused;
  }

  /** Items that went on to the next stage, in batches or one by one. */
  get passedOn(): number {
    return this.role === 'batch' ? this.#emitted : this.#handedOn;
  }

  /** The books of a batcher up to the moment in which its batches leave; what becomes of them is in the books of those behind it. */
  statsUntilEmitted(): StageStats {
    const ended = this.#emitted + total(this.#lostHereBy);
    return {
      ...this.stats(),
      ...{ delivered: 0, possibleDuplicates: 0, rejected: 0, removed: 0 },
      handedOn: this.#emitted,
      lost: { ...this.#lostHereBy },
      pending: this.#accepted - ended,
    };
  }

  stats(): StageStats {
    return {
      offered: this.offered,
      accepted: this.#accepted,
      refused: { ...this.#refusedBy },
      delivered: this.#delivered,
      possibleDuplicates: this.#possibleDuplicates,
      rejected: this.#rejected,
      handedOn: this.#handedOn,
      removed: this.#removed,
      lost: { ...this.#lostBy },
      pending: this.#pending,
    };
  }
}
