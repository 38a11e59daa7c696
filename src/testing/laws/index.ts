/**
 * Laws for pipelines as fast-check properties, and the arbitraries that generate their runs. Needs `fast-check`, which `spanflow/testing` does not.
 *
 * @module spanflow/testing/laws
 */

import '../../internal/requireNode.ts';

export { anySpan } from './anySpan.ts';
export { type Bounds, type Law, LawViolation, type MayVanish } from './law.ts';
export { checkLaws, type LawOptions, type Pipeline, pipelineLaws } from './laws.ts';
export {
  type Answer,
  type AnswerKind,
  anyBackend,
  anyScenario,
  anySchedule,
  type Ending,
  type LawEvent,
  type Scenario,
  type Schedule,
} from './scenario.ts';
export type { World } from './world.ts';
