import { Child } from '../scenarios/child.ts';
import type { Seen } from './arrivals.ts';
import type { BackendInput, Stored } from './backend.ts';
import type { Drained, Phase, Sample } from './measure.ts';
import { type BackendState, boundMillis, DEATHS, type SoakPlan } from './plan.ts';
import type { SenderInput } from './sender.ts';

/** A stretch of time in which the backend was in one state: as the sender was, and what the backend saw. */
export interface Stretch {
  readonly state: BackendState;
  readonly phase: Phase;
  readonly seen: Seen;
}

/** The backend was dead, and came back. */
export interface Outage {
  readonly dead: Stretch;
  readonly back: Stretch;
}

export interface SoakResult {
  readonly plan: SoakPlan;
  readonly healthy: Stretch;
  readonly outages: readonly Outage[];
  readonly drained: Drained;
  readonly stored: Stored;
}

type IsShown = (now: Sample, first: Sample) => boolean;

/** Reasons for which a batch is given up that was tried for too long. */
const GIVEN_UP = ['retriesExhausted', 'unconfirmed', 'expired'] as const;

/** One run: a sender and its backend, each in a process of its own. */
export async function soak(plan: SoakPlan): Promise<SoakResult> {
  const bound = { boundMillis: boundMillis(plan) };
  const { protocol, perSecond, sliceMillis, limits, heapMiB } = plan;
  const backend = new Child('../soak/backend', { protocol } satisfies BackendInput, bound);
  try {
    const url = await backend.ask<string>('listen');
    const input: SenderInput = { protocol, url, perSecond, sliceMillis, limits };
    const flags = [`--max-old-space-size=${heapMiB}`];
    const sender = new Child('../soak/sender', input, { ...bound, flags });
    try {
      return await new Run(plan, sender, backend).result();
    } finally {
      await sender.end();
    }
  } finally {
    await backend.end();
  }
}

class Run {
  readonly #plan: SoakPlan;
  readonly #sender: Child;
  readonly #backend: Child;

  constructor(plan: SoakPlan, sender: Child, backend: Child) {
    this.#plan = plan;
    this.#sender = sender;
    this.#backend = backend;
  }

  async result(): Promise<SoakResult> {
    // What is loaded and compiled at first is nobody's cost.
    await this.#stretch('well');
    const healthy = await this.#stretch('well');
    const isDrained: IsShown = ({ pending }) => pending <= healthy.phase.most.pending;
    const outages: Outage[] = [];
    for (const death of DEATHS) {
      const dead = await this.#stretch(death, 'slice', isDeadForGood);
      outages.push({ dead, back: await this.#stretch('well', 'idle', isDrained) });
    }
    const drained = await this.#sender.ask<Drained>('drain');
    return { plan: this.#plan, healthy, outages, drained, stored: await this.#backend.ask<Stored>('stored') };
  }

  /** All slices of the plan, and then more of them, or the same time without spans, until it is shown what is to be shown. */
  async #stretch(state: BackendState, further: 'slice' | 'idle' = 'slice', isShown: IsShown = () => true) {
    await this.#backend.ask(state);
    const first = await this.#sender.ask<Sample>('begin');
    let sample = first;
    for (let slices = 0; slices < this.#plan.slices; slices += 1) sample = await this.#sender.ask('slice');
    while (!isShown(sample, first)) sample = await this.#sender.ask(further);
    const phase = await this.#sender.ask<Phase>('end');
    return { state, phase, seen: await this.#backend.ask<Seen>('seen') };
  }
}

/** Spans have found no room, and batches have been given up. */
function isDeadForGood(now: Sample, first: Sample): boolean {
  const givenUp = ({ lost }: Sample) => GIVEN_UP.reduce((sum, reason) => sum + (lost[reason] ?? 0), 0);
  const full = ({ refused, lost }: Sample) => (refused.queueFull ?? 0) + (lost.queueFull ?? 0);
  return givenUp(now) > givenUp(first) && full(now) > full(first);
}
