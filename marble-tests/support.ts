import type { Observable } from 'rxjs';
import { type Batch, createGate, type Gate, type Hold, type Tally } from '../src/index.ts';

/** Keeps the batches that it is given, and speaks for them when it is told to. */
export class Holder<T> {
  readonly holds: { readonly batch: Batch<T>; readonly hold: Hold }[] = [];

  keep(batch: Batch<T>): void {
    this.holds.push({ batch, hold: batch.hold() });
  }

  ready(index: number): void {
    this.holds[index]?.hold.ready();
  }

  /** The batch has ended, and so many of its items arrived: all of them unless told otherwise. */
  settle(index: number, delivered = this.holds[index]?.batch.items.length ?? 0): void {
    this.holds[index]?.hold.settle(tallyOf(delivered));
  }
}

export function tallyOf(delivered: number): Tally {
  return { delivered, rejected: 0, lost: [], attempts: 1, attemptMillis: 1, elapsedMillis: 1 };
}

/** A callback of somebody else's that fails. */
export function throwing(): never {
  throw new Error('mine');
}

/** Letters that stand for themselves. */
export function letters(text: string): Record<string, string> {
  return Object.fromEntries([...text].map((letter) => [letter, letter]));
}

/** A gate that is closed at each `x` and opened at each `o`. */
export function drawnGate(drawing: Observable<string>): Gate {
  const gate = createGate();
  let open: (() => void) | undefined;
  drawing.subscribe((letter) => {
    if (letter === 'x') open = gate.close();
    else open?.();
  });
  return gate;
}
