// Whatever is measured runs in a process of its own, with a fresh heap; so does the backend.

import { Child } from '../../scenarios/child.ts';
import type { BackendInput, Taken } from '../programs/backend.ts';
import type { TakenInTime } from '../programs/timedBackend.ts';

/** No run takes nearly as long. Whoever is still there then is ended. */
const BOUND_MILLIS = 600_000;
const BACKEND_BOUND_MILLIS = 1_800_000;

export interface Backend<Took = Taken> {
  readonly url: string;
  /** What came in since it was asked last. */
  take(): Promise<Took>;
}

/** Does the work with a backend, which ends with it. */
export function withBackend<T>(input: BackendInput, work: (backend: Backend) => Promise<T>): Promise<T> {
  return withProgram<Taken, T>('backend', input, work);
}

/** The same with a backend that answers at once and measures how old the spans are. */
export function withTimedBackend<T>(work: (backend: Backend<TakenInTime>) => Promise<T>): Promise<T> {
  return withProgram<TakenInTime, T>('timedBackend', {}, work);
}

async function withProgram<Took, T>(
  program: string,
  input: object,
  work: (backend: Backend<Took>) => Promise<T>,
): Promise<T> {
  const child = new Child(`../bench/programs/${program}`, input, { boundMillis: BACKEND_BOUND_MILLIS });
  try {
    const url = await child.ask<string>('listen');
    return await work({ url, take: () => child.ask<Took>('take') });
  } finally {
    await child.end();
  }
}

/** Runs a program once, for one result. */
export async function runOnce<Result>(program: string, input: object): Promise<Result> {
  const given = { ...input, data: process.env.SPANFLOW_DATA };
  const child = new Child(`../bench/programs/${program}`, given, { boundMillis: BOUND_MILLIS });
  try {
    return await child.ask<Result>('run');
  } finally {
    await child.end();
  }
}

/** Everybody once in each round, so that whatever else the machine does hits all of them alike. Who runs after whom changes. */
export async function inRounds<Name extends string, Result>(
  names: readonly Name[],
  rounds: number,
  run: (name: Name, round: number) => Promise<Result>,
): Promise<Map<Name, Result[]>> {
  const results = new Map<Name, Result[]>(names.map((name) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    const first = round % names.length;
    for (const name of [...names.slice(first), ...names.slice(0, first)]) {
      results.get(name)?.push(await run(name, round));
    }
  }
  return results;
}
