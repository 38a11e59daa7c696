import type { AttemptPhase } from '../../model/sink.ts';
import { Dialler } from './dialler.ts';
import { Line } from './line.ts';
import type { Route } from './route.ts';

const CLOSED = 'its connections were closed';

interface Waiter {
  enter(phase: AttemptPhase): void;
  take(line: Line): void;
  fail(error: unknown): void;
}

/**
 * The connections by which one backend is reached: as many as there are requests at a time, kept alive by their clients for as long as these find good. Who waits for one takes the first that becomes free, or
 * that comes about.
 */
export class Lines {
  readonly #dialler: Dialler;
  readonly #all = new Set<Line>();
  readonly #idle: Line[] = []; // the last one that was used at the end
  readonly #waiters = new Set<Waiter>(); // the first one that came first
  #isClosed = false;

  constructor({ connector, target, origin }: Route) {
    this.#dialler = new Dialler(connector, target, {
      entered: (phase) => {
        for (const waiter of [...this.#waiters]) waiter.enter(phase);
      },
      connected: (socket) => this.#connected(new Line(origin, socket, (line) => this.#forget(line))),
      // It fails for those for whom no other connection is being made.
      failed: (error) => this.#fail(this.#waiters.size - this.#dialler.underWay, error),
    });
  }

  /** A connection for one request. It must be given back. */
  take(enter: (phase: AttemptPhase) => void, signal: AbortSignal): Promise<Line> {
    return new Promise((resolve, reject) => {
      signal.throwIfAborted();
      if (this.#isClosed) throw new Error(CLOSED);
      const idle = this.#idle.pop();
      if (idle !== undefined) return resolve(idle);
      const giveUp = () => {
        this.#waiters.delete(waiter);
        this.#dialler.giveUp(this.#waiters.size);
        reject(signal.reason);
      };
      const settled = () => signal.removeEventListener('abort', giveUp);
      const waiter: Waiter = {
        enter,
        take: (line) => {
          settled();
          resolve(line);
        },
        fail: (error) => {
          settled();
          reject(error);
        },
      };
      signal.addEventListener('abort', giveUp, { once: true });
      this.#waiters.add(waiter);
      this.#dialler.want(this.#waiters.size);
      enter(this.#dialler.phase);
    });
  }

  /** @param isSound whether its request was answered, and the answer read to its end */
  giveBack(line: Line, isSound: boolean): void {
    if (isSound && line.isOpen) this.#offer(line);
    else void line.destroy();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#dialler.close();
    this.#fail(this.#waiters.size, new Error(CLOSED));
    await Promise.all([...this.#all].map((line) => line.destroy()));
  }

  #connected(line: Line): void {
    this.#all.add(line);
    this.#offer(line);
  }

  #offer(line: Line): void {
    const [first] = this.#waiters;
    if (first === undefined) return void this.#idle.push(line);
    this.#waiters.delete(first);
    this.#dialler.want(this.#waiters.size);
    first.take(line);
  }

  #fail(count: number, error: unknown): void {
    const failed = [...this.#waiters].slice(0, count);
    for (const waiter of failed) this.#waiters.delete(waiter);
    this.#dialler.want(this.#waiters.size);
    for (const waiter of failed) waiter.fail(error);
  }

  #forget(line: Line): void {
    this.#all.delete(line);
    const index = this.#idle.indexOf(line);
    if (index >= 0) this.#idle.splice(index, 1);
  }
}
