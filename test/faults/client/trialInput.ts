import type { Stats } from '../../../src/index.ts';

/** What the client is told to do. */
export interface TrialInput {
  readonly protocol: 'http' | 'grpc';
  readonly url: string;
  /** Whom it trusts, in PEM. */
  readonly ca?: string;
  /** Of each pipeline. */
  readonly spans: number;
  /** Of one attribute of each span, in characters. */
  readonly characters: number;
  /** Patient and hasty pipelines, so many of each in each round. */
  readonly pipelines: number;
  /** The heap is measured after each. A process that has just begun needs more of them: its heap grows by what it loads and compiles. */
  readonly rounds: number;
  /** Of the patient pipelines: how long an attempt may take, and how often it is made. */
  readonly attemptMillis: number;
  readonly attempts: number;
  /** The spans end over this time, instead of in one turn. */
  readonly overMillis: number;
  /** Whether the backend is mended in the end. */
  readonly recovers: boolean;
  /** What the first attempts meet: a wall clock that is set ahead and back, or an event loop that stands still. */
  readonly meets: 'nothing' | 'clockJumps' | 'blockedLoop';
}

/** Longer than any test: whatever ends, this was not its limit. */
export const EVER_MILLIS = 3_600_000;

export const TRIAL_DEFAULTS: Omit<TrialInput, 'protocol' | 'url'> = Object.freeze({
  spans: 30,
  characters: 10,
  pipelines: 2,
  rounds: 3,
  attemptMillis: 30_000,
  attempts: 3,
  overMillis: 0,
  recovers: false,
  meets: 'nothing',
});

/** `patient`: its exports end by their own limits, and it waits for that · `hasty`: its exports would go on for longer than any test, and it does not wait · `recovering`: it is under way while the backend is mended, and waits. */
export type Temper = 'patient' | 'hasty' | 'recovering';

/** How one pipeline has ended. */
export interface PipelineReport {
  readonly name: string;
  readonly temper: Temper;
  /** `done`, or the code of the error that the flush was rejected with. */
  readonly flush: string;
  /** Items without an outcome when the flush was over. */
  readonly pendingAfterFlush: number;
  /** What its shutdown said. */
  readonly lostAtShutdown: Readonly<Record<string, number>>;
  readonly stats: Pick<Stats, keyof Stats>;
}
