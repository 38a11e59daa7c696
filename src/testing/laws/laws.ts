import fc from 'fast-check';
import type { Observable } from 'rxjs';
import { inVirtualTime } from '../time/virtualTime.ts';
import type { Bounds, MayVanish } from './law.ts';
import { anyScenario, type Scenario } from './scenario.ts';
import { Trial } from './trial.ts';
import type { World } from './world.ts';

/** Builds the pipeline under test, from the source to its output. `given` is a value that {@link LawOptions.given} generates. */
export type Pipeline<G> = (world: World, given: G) => Observable<unknown>;

/** Options of the laws for one pipeline. */
export interface LawOptions<G> {
  /** Generates options of the pipeline: sizes, limits, timeouts. Default: `undefined`. */
  readonly given?: fc.Arbitrary<G>;
  /** Generates the runs. Default {@link anyScenario}. */
  readonly scenario?: fc.Arbitrary<Scenario>;
  /** The limits of the law of bounds. Default: none. */
  readonly bounds?: (given: G) => Bounds;
  /** Which spans the pipeline may drop without reporting a loss, for example by a `filter`. Default: none. */
  readonly mayVanish?: MayVanish;
}

/** The limit of a run. By default retries and leases end within a quarter of an hour. */
const MAX_MILLIS = 24 * 3_600_000;
const MAX_EVENTS = 100_000;

/**
 * The laws as a property that fast-check runs on a pipeline.
 *
 * **Conservation**: at every instant the ledger balances, for each stage and in total, and counts nothing as delivered that the backend has not
 * confirmed. At the end nothing is pending, and every span has reached the sink or was reported as lost.
 * **Bounds**: see {@link LawOptions.bounds}. **Silence**: after its end the pipeline emits nothing and begins no attempt. **Release**: after its end, or
 * after it was unsubscribed, the pipeline leaves no subscription to the source, no attempt and no timer. **End**: when the source has ended, the pipeline
 * ends too, whatever the backend does.
 *
 * Time is virtual, including promises and the host's timers, so the pipeline needs no scheduler.
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
 * Runs a pipeline in one scenario and checks the laws at every instant. For counterexamples of fast-check, and for hand-written scenarios.
 *
 * @throws LawViolation (as a rejection) for the first broken law
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
