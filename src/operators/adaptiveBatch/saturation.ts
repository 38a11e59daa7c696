import type { Gate } from '../../flow/gate.ts';
import type { MemoryAccount } from '../../flow/memory.ts';
import { MEMORY_MARKS, WaterMarks } from '../../flow/waterMarks.ts';
import { holdProcess } from '../../internal/timers.ts';
import type { Batcher } from './batcher.ts';
import type { AdaptiveBatchSettings } from './options.ts';

/** In full batches that wait. */
const BATCH_MARKS = { high: 2, low: 1 };

/** The room at which the memory is down to the lower mark, as a multiple of what is held. */
const ROOM_TO_OPEN = 1 / MEMORY_MARKS.low - 1;

/** Keeps the gate closed while the queue or the memory is nearly full. Without a gate it does nothing. */
export class Saturation<T> {
  readonly #batcher: Batcher<T>;
  readonly #memory: MemoryAccount;
  readonly #hasGate: boolean;
  readonly #ofQueue: WaterMarks;
  readonly #ofMemory: WaterMarks;
  /** A field, because a closure in `update` would be an allocation for each item. */
  readonly #update = () => this.update();

  constructor(batcher: Batcher<T>, memory: MemoryAccount, settings: AdaptiveBatchSettings<T>) {
    const close = settings.gate && closingOf(settings.gate, settings);
    this.#batcher = batcher;
    this.#memory = memory;
    this.#hasGate = close !== undefined;
    this.#ofQueue = new WaterMarks(close, BATCH_MARKS);
    this.#ofMemory = new WaterMarks(close, MEMORY_MARKS);
  }

  /** The queue or the memory has changed. */
  update(): void {
    if (!this.#hasGate) return;
    this.#ofQueue.tell(this.#batcher.fullBatches);
    this.#ofMemory.tell(this.#memory.fillRatio);
    // Other accounts may give back what this one waits for.
    if (this.#ofMemory.closed) this.#memory.wait(Math.ceil(this.#memory.heldBytes * ROOM_TO_OPEN), this.#update);
    else this.#memory.stopWaiting();
  }

  /** Opens the gate for good. */
  end(): void {
    this.#memory.stopWaiting();
    this.#ofQueue.end();
    this.#ofMemory.end();
  }
}

/** An input that waits for the gate waits for what is out: the process does not end in the middle of that. */
function closingOf(
  gate: Gate,
  { scheduler, processHold }: Pick<AdaptiveBatchSettings<never>, 'scheduler' | 'processHold'>,
): () => () => void {
  return () => {
    const reopen = gate.close();
    const hold = holdProcess(scheduler, processHold);
    return () => {
      hold.unsubscribe();
      reopen();
    };
  };
}
