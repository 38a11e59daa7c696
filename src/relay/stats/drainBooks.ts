import type { Ledger } from '../../ledger/ledger.ts';
import { lossesOf } from '../../ledger/losses.ts';
import { total } from '../../ledger/stageStats.ts';
import type { RelayLoss, RelayReport } from '../api.ts';

/** What a drain came to, without whether it was in time. */
export type Drained = Omit<RelayReport, 'isDrained'>;

/** Counts what is lost in the books of one composition, from now until its end. */
export class DrainBooks {
  readonly #ledger: Ledger;
  readonly #lostBefore: number;
  readonly #losses = new Map<string, RelayLoss>();
  readonly #unwatch: () => void;

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
    this.#lostBefore = lostIn(ledger);
    this.#unwatch = ledger.watch({ lost: ({ stage, count }) => this.#lost(stage, count) });
  }

  /** @param delivered items that were delivered meanwhile */
  end(delivered: number): Drained {
    this.#unwatch();
    const required = [...this.#losses.values()].flatMap(({ items, isRequired }) => (isRequired ? [items] : []));
    // The whole of a composition of the program's own may hide what the route loses that had lost less before.
    const lost = Math.max(lostIn(this.#ledger) - this.#lostBefore, ...required);
    return { delivered, lost, losses: Object.fromEntries(this.#losses) };
  }

  /** The stages of a route are one place: a destination. */
  #lost(stage: string, count: number): void {
    const { route, isRequired = true } = this.#ledger.accounts.find((account) => account.stage === stage)?.place ?? {};
    const place = route ?? stage;
    this.#losses.set(place, { items: (this.#losses.get(place)?.items ?? 0) + count, isRequired });
  }
}

/** Of several compositions, or of several processes. */
export function sumOfDrained(all: readonly Drained[]): Drained {
  const losses: Record<string, RelayLoss> = {};
  for (const [place, { items, isRequired }] of all.flatMap((one) => Object.entries(one.losses)))
    losses[place] = { items: items + (losses[place]?.items ?? 0), isRequired };
  return {
    delivered: all.reduce((sum, { delivered }) => sum + delivered, 0),
    lost: all.reduce((sum, { lost }) => sum + lost, 0),
    losses,
  };
}

/** Best-effort routes are not in the whole. */
function lostIn(ledger: Ledger): number {
  return total(lossesOf(ledger.stats()));
}
