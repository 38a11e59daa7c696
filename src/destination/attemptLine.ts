import { type Link, LinkedQueue } from '../flow/linkedQueue.ts';
import { runGuarded } from '../internal/runGuarded.ts';
import { type AttemptResult, type AttemptSize, type EndAttempt, type Layer, NO_ATTEMPT_YET } from './layer.ts';

/** Says how an attempt ended. The first call counts. */
export type Finish = (result: AttemptResult) => void;

/** An attempt that waits for its turn. */
interface Ticket {
  readonly size: AttemptSize;
  readonly start: (finish: Finish) => void;
  place: Link<Ticket> | undefined; // gone once it has started or was given up
}

interface AttemptLinePlan {
  /** From the outside to the inside. An attempt that ends leaves them in this order, so that the slots, the innermost, are free when all others know of it. */
  readonly layers: readonly Layer[];
  readonly now: () => number;
  /** Called with what a layer of the user's throws. */
  readonly onError?: (thrown: unknown) => void;
}

/**
 * The attempts of one subscription: each begins when all layers admit it, and the rest waits in line.
 *
 * Attempts that end synchronously do not recurse: the line is drained by a loop, so a hundred thousand of them need no more stack than one. Layers may be shared with other lines, which take turns.
 */
export class AttemptLine {
  readonly #plan: AttemptLinePlan;
  readonly #line = new LinkedQueue<Ticket>();
  #running = 0; // started and not ended
  #draining = false;
  #suspensions = 0;
  #closed = false;
  #tellFree: (() => void) | undefined; // who wants to be told that the line is free
  #blockedBy: Layer | undefined; // that will wake this line
  #stopWaiting: () => void = () => {}; // for that layer

  constructor(plan: AttemptLinePlan) {
    this.#plan = plan;
  }

  get running(): number {
    return this.#running;
  }

  get waiting(): number {
    return this.#line.length;
  }

  get isSuspended(): boolean {
    return this.#suspensions > 0;
  }

  /** Whether an attempt that comes now would begin at once. */
  get free(): boolean {
    return !this.#closed && !this.isSuspended && this.waiting === 0 && this.#layerAgainst(NO_ATTEMPT_YET) === undefined;
  }

  /** Calls `tell` once, when an attempt that comes then would begin at once. A second call replaces the first. */
  whenFree(tell: () => void): void {
    this.#tellFree = tell;
    if (this.#blockedBy === undefined) this.#drain();
  }

  /** Starts the attempt when it is admitted, at once or later. The returned function gives up the place in line; after the start it does nothing. */
  enter(size: AttemptSize, start: (finish: Finish) => void): () => void {
    if (this.#closed) return () => {};
    const ticket: Ticket = { size, start, place: undefined };
    ticket.place = this.#line.push(ticket);
    if (this.waiting === 1) this.#drain();
    return () => this.#giveUp(ticket);
  }

  /** While this work runs, nothing starts. */
  suspendDuring(work: () => void): void {
    this.#suspensions += 1;
    try {
      work();
    } finally {
      this.#suspensions -= 1;
      this.#drain();
    }
  }

  /** Starts nothing from now on, and drops the attempts that wait. */
  close(): void {
    this.#closed = true;
    this.#unblock();
    for (let ticket = this.#line.shift(); ticket !== undefined; ticket = this.#line.shift()) ticket.place = undefined;
  }

  #giveUp(ticket: Ticket): void {
    const { place } = ticket;
    if (place === undefined) return;
    ticket.place = undefined;
    const wasFirst = this.#line.first === place;
    this.#line.remove(place);
    if (wasFirst) this.#drain();
  }

  #drain(): void {
    if (this.#draining || this.#closed || this.isSuspended) return;
    this.#draining = true;
    try {
      this.#unblock();
      while (this.#startNext());
    } finally {
      this.#draining = false;
    }
  }

  /** The layer that this line has waited for admits one attempt. Before the next one, the other lines have their turn. */
  #woken(layer: Layer): void {
    this.#blockedBy = undefined;
    if (this.#draining || this.#closed || this.isSuspended) return;
    this.#draining = true;
    try {
      if (this.#startNext()) this.#waitFor(layer);
    } finally {
      this.#draining = false;
    }
  }

  /** Returns whether the next one may be started, too. */
  #startNext(): boolean {
    if (this.#closed) return false;
    const ticket = this.#line.first?.value;
    const blocking = this.#layerAgainst(ticket?.size ?? NO_ATTEMPT_YET);
    if (blocking !== undefined) this.#waitFor(blocking);
    else if (ticket !== undefined) this.#start(ticket);
    else this.#isFree();
    return blocking === undefined && (ticket !== undefined || this.waiting > 0);
  }

  #isFree(): void {
    const tell = this.#tellFree;
    this.#tellFree = undefined;
    tell?.();
  }

  #start(ticket: Ticket): void {
    this.#line.shift();
    ticket.place = undefined;
    this.#running += 1;
    const { layers, now, onError } = this.#plan;
    const startedAtMillis = now();
    const ends = layers.map((layer): EndAttempt => layer.begin(ticket.size));
    let isOver = false;
    ticket.start((result) => {
      if (isOver) return;
      isOver = true;
      this.#running -= 1;
      const end = { ...result, startedAtMillis, endedAtMillis: now() };
      for (const endAttempt of ends) runGuarded(() => endAttempt(end), onError);
      this.#afterEnd();
    });
  }

  #afterEnd(): void {
    if (this.#blockedBy === undefined) this.#drain();
  }

  #layerAgainst(size: AttemptSize): Layer | undefined {
    return this.#plan.layers.find((layer) => !layer.admits(size));
  }

  /** With nothing in line, it waits only if someone wants to be told that it is free. */
  #waitFor(layer: Layer): void {
    const size = this.#line.first?.value.size ?? (this.#tellFree && NO_ATTEMPT_YET);
    if (this.#closed || this.#blockedBy !== undefined || size === undefined) return;
    this.#blockedBy = layer;
    this.#stopWaiting = layer.whenReady(size, () => this.#woken(layer));
  }

  #unblock(): void {
    if (this.#blockedBy === undefined) return;
    this.#blockedBy = undefined;
    this.#stopWaiting();
  }
}
