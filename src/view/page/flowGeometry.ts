import type { FlowNode } from '../shared/flowLayout.ts';

/** A box of a stage, in units of the picture. Below it is room for a line that says what it lost. */
export const BOX = { width: 184, height: 116 };
const LOSS = 30;
const MARGIN = 14;

export type Spot = readonly [x: number, y: number];

/** Where things are in the picture of the flow. */
export interface FlowGeometry {
  readonly width: number;
  readonly height: number;
  /** The upper left corner of a stage's box. */
  cornerOf(node: FlowNode): Spot;
  /** Where what comes in arrives, and where what goes out leaves. */
  entryOf(node: FlowNode): Spot;
  exitOf(node: FlowNode): Spot;
  /** As far from a spot as the next box would be. */
  before(spot: Spot): Spot;
  behind(spot: Spot): Spot;
  curve(from: Spot, to: Spot): string;
  /** Where the rate of an edge stands, and how far below it the caption. */
  labelSpot(from: Spot, to: Spot): Spot;
  readonly captionBelow: number;
}

export function flowGeometry(nodes: readonly FlowNode[], isNarrow: boolean): FlowGeometry {
  const columns = 1 + Math.max(0, ...nodes.map(({ column }) => column));
  const rows = 1 + Math.max(0, ...nodes.map(({ row }) => row));
  return isNarrow ? fromTopToBottom(columns, rows) : fromLeftToRight(columns, rows);
}

function fromLeftToRight(columns: number, rows: number): FlowGeometry {
  const gap = 88;
  const nextRow = BOX.height + 52;
  const cornerOf = ({ column, row }: FlowNode): Spot => [gap + column * (BOX.width + gap), MARGIN + row * nextRow];
  const besides = ([x, y]: Spot, by: number): Spot => [x + by, y];
  const entryOf = (node: FlowNode): Spot => [cornerOf(node)[0], cornerOf(node)[1] + BOX.height / 2];
  return {
    width: (columns + 1) * gap + columns * BOX.width,
    height: MARGIN + (rows - 1) * nextRow + BOX.height + LOSS,
    cornerOf,
    entryOf,
    exitOf: (node) => besides(entryOf(node), BOX.width),
    before: (spot) => besides(spot, -gap),
    behind: (spot) => besides(spot, gap),
    curve: ([x1, y1], [x2, y2]) => `M${x1} ${y1}C${(x1 + x2) / 2} ${y1} ${(x1 + x2) / 2} ${y2} ${x2} ${y2}`,
    // Beside the line: below its end where it comes from above.
    labelSpot: ([x1, y1], [x2, y2]) => [(x1 + x2) / 2, y2 > y1 ? y2 + 18 : y2 - 10],
    captionBelow: 30,
  };
}

function fromTopToBottom(columns: number, rows: number): FlowGeometry {
  const gap = 72;
  const nextRow = BOX.width + MARGIN;
  const cornerOf = ({ column, row }: FlowNode): Spot => [MARGIN + row * nextRow, gap + column * (BOX.height + gap)];
  const below = ([x, y]: Spot, by: number): Spot => [x, y + by];
  const entryOf = (node: FlowNode): Spot => [cornerOf(node)[0] + BOX.width / 2, cornerOf(node)[1]];
  return {
    width: MARGIN + rows * nextRow,
    height: (columns + 1) * gap + columns * BOX.height,
    cornerOf,
    entryOf,
    exitOf: (node) => below(entryOf(node), BOX.height),
    before: (spot) => below(spot, -gap),
    behind: (spot) => below(spot, gap),
    curve: ([x1, y1], [x2, y2]) => `M${x1} ${y1}C${x1} ${(y1 + y2) / 2} ${x2} ${(y1 + y2) / 2} ${x2} ${y2}`,
    // To the right of the line, below what the stage above it says of its losses.
    labelSpot: ([, y1], [x2, y2]) => [x2 + 46, (y1 + y2) / 2 + 8],
    captionBelow: 16,
  };
}
