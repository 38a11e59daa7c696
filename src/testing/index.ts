/**
 * Draw what a pipeline should do, run it in virtual time, and read a failure as a drawing. It needs no test runner of its own.
 *
 * @module spanflow/testing
 */

import '../runtime.ts';

export { VIRTUAL_TIME_DEFAULTS, type VirtualTimeOptions } from './clock.ts';
export type { DiagramOptions } from './diagram.ts';
export { EndlessRun, MarbleFailure } from './failure.ts';
export type { BatchExpectationOptions, MarbleKit, MarbleOptions, Values } from './kit.ts';
export type { ExpectedLedger, HasStats } from './ledgerExpectation.ts';
export { marbles } from './marbles.ts';
export type { BackendAnswer, BackendReply } from './otlpAnswer.ts';
export { type BackendScript, type OtlpBackend, type OtlpBackendOptions, otlpBackend } from './otlpBackend.ts';
export type { BackendRequest } from './otlpRequest.ts';
export { countSpans, type WireSpan, walkJsonSpans, walkSpans } from './otlpWalk.ts';
export type { ExpectedOutcome, Items } from './outcomeValues.ts';
export {
  type Attempt,
  SCRIPT_FAILURES,
  SCRIPT_RESPONSES,
  type ScriptedSink,
  type ScriptedSinkOptions,
} from './scriptedSinkApi.ts';
export type { DrawnObservable } from './sources.ts';
export type { SpanLetter, SpanShape, SpansByLetter } from './spans.ts';
export type { SubscriptionSpan } from './syntax.ts';
export { type VirtualTime, virtualTime } from './virtualTime.ts';
