import fc from 'fast-check';
import type { Observable } from 'rxjs';
import { inVirtualTime } from '../time/virtualTime.ts';
import { anyScenario, type Scenario } from './scenario.ts';
import { type Bounds, type MayVanish, Trial } from './trial.ts';
import type { World } from './world.ts';

/** A pipeline to be held to the laws, from the source to whatever it emits. `given` is what {@link LawOptions.given} draws. */
export type Pipeline<G> = (world: World, given: G) => Observable<unknown>;

/** What holds for one pipeline in particular. */
export interface LawOptions<G> {
  /** Options of the pipeline, to be drawn as well: sizes, limits, timeouts. */
  readonly given?: fc.Arbitrary<G>;
  /** What happens. Default {@link anyScenario}. */
  readonly scenario?: fc.Arbitrary<Scenario>;
  readonly bounds?: (given: G) => Bounds;
  /** Spans that the pipeline may drop without a word: those that its own `filter` takes out, for example. Default: none. */
  readonly mayVanish?: MayVanish;
}

/** A run that lasts longer has no end: retries and leases are over within a quarter of an hour by default. */
const MAX_MILLIS = 24 * 3_600_000;
const MAX_EVENTS = 100_000;

/**
 * The laws as a property, to be run by fast-check on a pipeline of one's own.
 *
 * **Conservation**: at every instant the books of each stage and of the whole balance, and count nothing as delivered that the backend has not
 * confirmed; at the end nothing is pending, and every span has been at the sink, or somebody told that it was lost.
 * **Bounds**: see {@link LawOptions.bounds}. **Silence**: nothing comes after the end, and no attempt begins. **Release**: once it is unsubscribed, or has ended, nothing of it is
 * left: no subscription to the source, no attempt, no timer. **End**: when the source has ended, so does the pipeline, whatever the backend does.
 *
 * Time is virtual, promises and host timers included, so the pipeline needs no scheduler.
 *
 * @example
 * ```ts
 * const laws = pipelineLaws((world) =>
 *   world.spans$.pipe(
 *     adaptiveBatch({ maxQueueSize: 100, maxExportBatchSize: 10, minExportBatchSize: 1, ledger: world.ledger, onLoss: world.onLoss }),
 *     exportTo(world.sink, { ledger: world.ledger, onLoss: world.onLoss }),
 *   ),
 * );
 * await fc.assert(laws, { numRuns: 200 });
 * ```
 */
export function pipelineLaws<G = undefined>(
  pipeline: Pipeline<G>,
  options: LawOptions<G> = {},
): fc.IAsyncProperty<[Scenario, G]> {
  const given = options.given ?? (fc.constant(undefined) as fc.Arbitrary<unknown> as fc.Arbitrary<G>);
  return fc.asyncProperty(options.scenario ?? anyScenario(), given, (scenario, drawn) =>
    checkLaws(pipeline, scenario, drawn, options),
  );
}

/**
 * Runs a pipeline through one scenario, and checks the laws all the while: for a counterexample that was found, or a scenario of one's own.
 *
 * @throws LawViolation (as a rejection) at the first law that is broken
 */
export async function checkLaws<G>(
  pipeline: Pipeline<G>,
  scenario: Scenario,
  given: G,
  options: LawOptions<G> = {},
): Promise<void> {
  await inVirtualTime({ maxVirtualMillis: MAX_MILLIS, maxEvents: MAX_EVENTS }, (clock, timers) => {
    const trial = new Trial(clock, timers, scenario, options.bounds?.(given) ?? {}, options.mayVanish);
    return clock.run(
      () => trial.run((world) => pipeline(world, given)),
      () => true,
    );
  });
}
