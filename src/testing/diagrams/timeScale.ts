/** Frames in which something is drawn: from the first on, up to the one before the last. */
export interface Busy {
  readonly from: number;
  readonly to: number;
}

/** A silence that is not drawn at its length. */
export interface Fold {
  readonly from: number;
  readonly to: number;
  /** Where it begins. */
  readonly x: number;
}

/** A silence in all rows that is longer than this is folded, as in a failure. */
const MAX_QUIET_FRAMES = 12;

/** Lays frames out from left to right. */
export class TimeScale {
  readonly folds: readonly Fold[];
  readonly lastFrame: number;
  readonly #frameWidth: number;
  readonly #foldWidth: number;

  constructor(busy: readonly Busy[], frameWidth: number, foldWidth: number) {
    this.#frameWidth = frameWidth;
    this.#foldWidth = foldWidth;
    const folds: Fold[] = [];
    let until = 0; // where the last busy stretch ends
    for (const { from, to } of [...busy].sort((one, other) => one.from - other.from)) {
      if (from - until > MAX_QUIET_FRAMES) folds.push({ from: until, to: from, x: xOf(until, folds, this) });
      until = Math.max(until, to);
    }
    this.folds = folds;
    this.lastFrame = until;
  }

  get widths(): { readonly frame: number; readonly fold: number } {
    return { frame: this.#frameWidth, fold: this.#foldWidth };
  }

  /** Where a frame begins. */
  x(frame: number): number {
    return xOf(Math.min(frame, this.lastFrame), this.folds, this);
  }

  /** The frames that get a number: every fifth that is not folded. */
  ticks(): number[] {
    const frames = Array.from({ length: Math.floor(this.lastFrame / 5) + 1 }, (_, index) => index * 5);
    const afterFolds = this.folds.map(({ to }) => to);
    const shown = frames.filter((frame) => !this.folds.some(({ from, to }) => frame > from && frame < to + 5));
    return [...new Set([...shown, ...afterFolds])].sort((one, other) => one - other);
  }
}

function xOf(frame: number, folds: readonly Fold[], { widths }: TimeScale): number {
  let x = 0;
  let at = 0;
  for (const { from, to } of folds) {
    if (frame <= from) break;
    x += (from - at) * widths.frame + widths.fold * Math.min(1, (frame - from) / (to - from));
    at = Math.min(frame, to);
  }
  return Math.round(x + (frame - at) * widths.frame);
}
