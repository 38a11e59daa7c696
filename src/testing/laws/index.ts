/**
 * Laws that a pipeline of one's own can be held to, and arbitraries to draw runs with. It needs `fast-check`, which `spanflow/testing` does not.
 *
 * @module spanflow/testing/laws
 */

import '../../internal/requireNode.ts';

export { anySpan } from './anySpan.ts';
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
export { type Bounds, type Law, LawViolation, type MayVanish } from './trial.ts';
export type { World } from './world.ts';
