/** Frames in which something is drawn: `from` inclusive, `to` exclusive. */
export interface Busy {
  readonly from: number;
  readonly to: number;
}

/** A silence that is drawn shorter than it is. */
export interface Fold {
  readonly from: number;
  readonly to: number;
  /** Its left end, in pixels. */
  readonly x: number;
}

/** A longer silence in all rows is folded. */
const MAX_QUIET_FRAMES = 12;

/** Maps frames to horizontal positions. */
export class TimeScale {
  readonly folds: readonly Fold[];
  readonly lastFrame: number;
  readonly #frameWidth: number;
  readonly #foldWidth: number;

  constructor(busy: readonly Busy[], frameWidth: number, foldWidth: number) {
    this.#frameWidth = frameWidth;
    this.#foldWidth = foldWidth;
    const folds: Fold[] = [];
    let until = 0; // end of the last busy stretch
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

  /** The left end of a frame, in pixels. */
  x(frame: number): number {
    return xOf(Math.min(frame, this.lastFrame), this.folds, this);
  }

  /** The frames with a number on the axis: every fifth that is not folded. */
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
