import { type Subscriber, Subscription } from 'rxjs';
import { EndOfStream } from '../../flow/endOfStream.ts';
import { subscribeInto, tearDownInOrder } from '../../internal/subscribeInto.ts';
import { followSource } from '../../ledger/stage.ts';
import type { StageReporter } from '../../ledger/stageReporter.ts';
import { QueueFullError } from '../../model/errors.ts';
import { FloorShare } from '../../strategies/floorShare.ts';
import { InputQueue } from './inputQueue.ts';
import { type InputSettings, type MergeByPrioritySettings, STAGE } from './options.ts';

/** One subscription of {@link mergeByPriority}: items wait in the queues of their inputs, and take turns while the gate is open. */
export class Merging<T> {
  readonly #subscriber: Subscriber<T>;
  readonly #settings: MergeByPrioritySettings<T>;
  readonly #reporter: StageReporter<T>;
  readonly #queues: readonly InputQueue<T>[]; // by importance
  readonly #share: FloorShare;
  readonly #inputs = new Subscription();
  readonly #gate = new Subscription();
  readonly #end: EndOfStream;
  readonly #next = (item: T) => this.#subscriber.next(item);
  #running: number; // inputs that have not ended
  #draining = false;

  constructor(
    subscriber: Subscriber<T>,
    inputs: readonly InputSettings<T>[],
    settings: MergeByPrioritySettings<T>,
    reporter: StageReporter<T>,
  ) {
    const { floorRatio, sizeOf } = settings;
    const isOpen = () => !subscriber.closed;
    this.#subscriber = subscriber;
    this.#settings = settings;
    this.#reporter = reporter;
    this.#queues = inputs.map((input) => new InputQueue(input, { sizeOf, reporter, isOpen }));
    this.#share = new FloorShare(inputs.length, floorRatio);
    this.#running = inputs.length;
    this.#end = new EndOfStream(subscriber, {
      isDone: () => !this.#draining && this.#queues.every(({ length }) => length === 0),
      leaveSource: () => reporter.tearDown(this.#inputs),
    });
  }

  run(): void {
    const sum = (count: (queue: InputQueue<T>) => number) =>
      this.#queues.reduce((total, queue) => total + count(queue), 0);
    const unwatch = this.#reporter.account.watch({
      queueSize: () => sum(({ length }) => length),
      queueCapacity: () => sum(({ settings }) => settings.maxQueueSize),
      queueBytes: () => sum(({ bytes }) => bytes),
    });
    const leaveGate = () => this.#reporter.tearDown(this.#gate);
    tearDownInOrder(this.#subscriber, this.#inputs, leaveGate, () => this.#giveUp(), unwatch);
    // Where the gate opens during an emission, the loop that emits goes on by itself.
    const next = (saturated: boolean) => {
      if (!saturated) this.#drain();
    };
    if (this.#settings.gate !== undefined) subscribeInto(this.#settings.gate.saturated$, { next }, this.#gate);
    for (const queue of this.#queues) this.#follow(queue);
  }

  #follow(queue: InputQueue<T>): void {
    if (this.#end.hasBegun) return; // an input before it has failed at once
    const error = (thrown: unknown) => this.#end.error(thrown);
    const complete = () => this.#inputEnded();
    const observer = { next: (item: T) => this.#offer(queue, item), error, complete };
    followSource(this.#reporter.account)(queue.settings.source, observer, this.#inputs);
  }

  #inputEnded(): void {
    this.#running -= 1;
    if (this.#running === 0) this.#end.complete();
  }

  #offer(queue: InputQueue<T>, item: T): void {
    const { overflow, maxQueueSize, maxQueueBytes } = queue.settings;
    const overflowed = queue.offer(item);
    this.#drain();
    queue.updateGate();
    if (overflowed && overflow === 'error') this.#end.error(new QueueFullError(STAGE, maxQueueSize, maxQueueBytes));
  }

  /** Hands on as long as the gate is open. It is a loop: what comes during an emission is handed on after it. */
  #drain(): void {
    if (this.#draining) return;
    this.#draining = true;
    for (let queue = this.#nextQueue(); queue !== undefined; queue = this.#nextQueue()) {
      this.#reporter.account.passOn(this.#next, queue.shift());
      queue.updateGate();
    }
    this.#draining = false;
    this.#end.check();
  }

  #nextQueue(): InputQueue<T> | undefined {
    if (this.#settings.gate?.open === false) return undefined;
    const turn = this.#share.next((input) => (this.#queues[input]?.length ?? 0) > 0);
    return turn === undefined ? undefined : this.#queues[turn];
  }

  #giveUp(): void {
    for (const queue of this.#queues) queue.giveUp();
  }
}
