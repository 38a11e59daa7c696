/**
 * Marble tests for telemetry pipelines: draw what a pipeline should do, run it in virtual time, and read a failure as a drawing. Works with any test runner.
 *
 * @module spanflow/testing
 */

import '../internal/requireNode.ts';

export type { BackendAnswer, BackendReply } from './backend/otlpAnswer.ts';
export { type BackendScript, type OtlpBackend, type OtlpBackendOptions, otlpBackend } from './backend/otlpBackend.ts';
export type { BackendRequest } from './backend/otlpRequest.ts';
export { countSpans, type WireSpan, walkJsonSpans, walkSpans } from './backend/wireSpans.ts';
export type { DiagramOptions } from './diagrams/diagram.ts';
export type { ExpectedLedger, HasStats } from './expectations/ledgerExpectation.ts';
export type { ExpectedOutcome, Items } from './expectations/outcomeValues.ts';
export { EndlessRun, MarbleFailure } from './failures/failure.ts';
export type { Letter, Letter as SpanLetter } from './marbles/letterTable.ts';
export type { LogShape, LogsByLetter } from './marbles/logs.ts';
export type { PointShape, PointsByLetter } from './marbles/points.ts';
export {
  type Attempt,
  SCRIPT_FAILURES,
  SCRIPT_RESPONSES,
  type ScriptedSink,
  type ScriptedSinkOptions,
} from './marbles/scriptedSinkApi.ts';
export type { DrawnObservable } from './marbles/sources.ts';
export type { SpanShape, SpansByLetter } from './marbles/spans.ts';
export type { SubscriptionSpan } from './marbles/syntax.ts';
export type { BatchExpectationOptions, MarbleKit, MarbleOptions, Values } from './marbleTest/marbleKit.ts';
export { marbles } from './marbleTest/marbles.ts';
export { VIRTUAL_TIME_DEFAULTS, type VirtualTimeOptions } from './time/clock.ts';
export { type VirtualTime, virtualTime } from './time/virtualTime.ts';
