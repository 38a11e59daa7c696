/** A credit of one, less what sums of fractions round off. */
const ONE = 1 - 1e-9;

/**
 * Decides whose turn it is among several inputs, the most important one first: deficit round robin over a floor, strict priority above it. Each input that waits earns `floorRatio` of a turn with each turn that is taken, and one that has earned a whole turn goes before the more
 * important ones. An input that does not wait earns nothing, and keeps nothing.
 */
export class FloorShare {
  readonly #floorRatio: number;
  readonly #credits: number[]; // turns that each input has earned

  /** @param floorRatio at most 1 / `inputs`: otherwise more is promised than there is */
  constructor(inputs: number, floorRatio: number) {
    this.#floorRatio = floorRatio;
    this.#credits = new Array<number>(inputs).fill(0);
  }

  /** Takes a turn, and returns whose it is; `undefined` while no input waits. */
  next(waits: (input: number) => boolean): number | undefined {
    let first: number | undefined; // the most important one that waits
    let owed: number | undefined; // the one that has earned most, a whole turn at least
    for (const input of this.#credits.keys()) {
      const doesWait = waits(input);
      const earned = doesWait ? this.#creditOf(input) + this.#floorRatio : 0;
      this.#credits[input] = earned;
      if (doesWait) first ??= input;
      if (earned >= ONE && (owed === undefined || earned > this.#creditOf(owed))) owed = input;
    }
    const turn = owed ?? first;
    // Turns that it has taken by its importance are not held against it later.
    if (turn !== undefined) this.#credits[turn] = Math.max(0, this.#creditOf(turn) - 1);
    return turn;
  }

  #creditOf(input: number): number {
    return this.#credits[input] ?? 0;
  }
}
