import type { StagePlace, Stats } from '../../ledger/stats.ts';

/** A stage in the picture. */
export interface FlowNode extends StagePlace {
  /** From 0: one more than that of the stages that it follows. */
  readonly column: number;
  /** From 0, from the top. */
  readonly row: number;
  /** Items in it that no stage behind it has. */
  readonly waiting: number;
  /** Whether nothing of ours follows it. */
  readonly isLast: boolean;
}

/** Where each stage stands, from left to right. */
export function flowLayout({ places, stages }: Pick<Stats, 'places' | 'stages'>): FlowNode[] {
  const byStage = new Map(places.map((place) => [place.stage, place]));
  const columns = new Map<string, number>();
  const columnOf = (stage: string): number => {
    const known = columns.get(stage);
    if (known !== undefined) return known;
    columns.set(stage, 0); // until it is known: a circle would have no end
    const column = Math.max(-1, ...(byStage.get(stage)?.follows ?? []).map(columnOf)) + 1;
    columns.set(stage, column);
    return column;
  };
  const rows = new Map<number, number>(); // that are taken, by column
  return places.map((place) => {
    const column = columnOf(place.stage);
    const row = rows.get(column) ?? 0;
    rows.set(column, row + 1);
    const followers = places.filter(({ follows }) => follows.includes(place.stage));
    const waiting = waitingIn(place, followers, stages);
    return { ...place, column, row, waiting, isLast: followers.length === 0 };
  });
}

/** A batcher also counts as pending what is out in its batches; what the stages behind it have is drawn there. */
function waitingIn({ stage, role }: StagePlace, followers: readonly StagePlace[], stages: Stats['stages']): number {
  const pending = stages[stage]?.pending ?? 0;
  if (role !== 'batch') return pending;
  return Math.max(0, pending - Math.max(0, ...followers.map((follower) => stages[follower.stage]?.pending ?? 0)));
}

/** How full a stage is drawn: on a logarithmic scale, on which 100,000 items fill it. So ten can be seen, and an outage does not overflow. */
export function fillOf(waiting: number): number {
  return Math.min(1, Math.log10(1 + Math.max(0, waiting)) / 5);
}
