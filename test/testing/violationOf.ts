import fc from 'fast-check';
import { expect } from 'vitest';
import {
  anyBackend,
  anyScenario,
  type LawOptions,
  LawViolation,
  type Pipeline,
  pipelineLaws,
} from '../../src/testing/laws/index.ts';

/** The message of the broken law, from the smallest counterexample. */
export async function violationOf<G = undefined>(pipeline: Pipeline<G>, options: LawOptions<G> = {}): Promise<string> {
  const scenario = anyScenario({ answers: anyBackend({ kinds: ['answers'] }) });
  const { failed, errorInstance } = await fc.check(pipelineLaws(pipeline, { scenario, ...options }), { numRuns: 300 });
  expect(failed, 'a law is broken').toBe(true);
  expect(errorInstance).toBeInstanceOf(LawViolation);
  return (errorInstance as LawViolation).message;
}
