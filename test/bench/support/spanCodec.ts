import { JsonTraceSerializer, ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { decodeTraces, decodeTracesJson, encodeTraces, encodeTracesJson, viewTraces } from '../../../src/otlp/index.ts';
import { viewTracesJson } from '../../../src/otlp/traces/decode/viewTracesJson.ts';
import { protobufjsSpans } from '../../otlp/oracleDecode.ts';
import { traceRequest } from '../../support/otlpSchema.ts';
import { type CodecTask, inTurn, parsedBody } from './codecTask.ts';
import type { Contestant } from './rounds.ts';
import { type WorkloadName, workloadOf } from './workloads.ts';

export type SpanTask =
  | 'relayTraces'
  | 'encodeTraces'
  | 'decodeTraces'
  | 'encodeTracesJson'
  | 'decodeTracesJson'
  | 'viewTracesJson';

type Batches = readonly ReadableSpan[][];

const contestants: Readonly<Record<SpanTask, (batches: Batches, size: number) => Contestant[]>> = {
  encodeTraces: (batches, size) => [
    inTurn('spanflow', size, batches, (spans) => encodeTraces(spans)),
    inTurn('otlp-transformer', size, batches, (spans) => ProtobufTraceSerializer.serializeRequest(spans)),
  ],
  /** protobufjs stops at messages; what a program needs is spans. */
  decodeTraces: (batches, size) => {
    const bodies = batches.map((spans) => encodeTraces(spans));
    return [
      inTurn('spanflow', size, bodies, (bytes) => decodeTraces(bytes)),
      inTurn('protobufjs and spans of it', size, bodies, protobufjsSpans),
      inTurn('protobufjs, messages only', size, bodies, (bytes) => traceRequest.decode(bytes)),
    ];
  },
  encodeTracesJson: (batches, size) => [
    inTurn('spanflow', size, batches, (spans) => encodeTracesJson(spans)),
    inTurn('otlp-transformer', size, batches, (spans) => JsonTraceSerializer.serializeRequest(spans)),
  ],
  /** What a relay does whose operators look at nothing. */
  relayTraces: (batches, size) => {
    const bodies = batches.map((spans) => encodeTraces(spans));
    return [
      inTurn('spanflow, views', size, bodies, (bytes) => encodeTraces(viewTraces(bytes))),
      inTurn('spanflow, decoded', size, bodies, (bytes) => encodeTraces(decodeTraces(bytes))),
    ];
  },
  /** There is no other decoder to stand beside it: what reading the syntax alone costs. */
  decodeTracesJson: (batches, size) => {
    const bodies = batches.map((spans) => new TextDecoder().decode(encodeTracesJson(spans)));
    return [
      inTurn('spanflow', size, bodies, (text) => decodeTracesJson(text)),
      inTurn('JSON.parse alone', size, bodies, (text) => JSON.parse(text)),
    ];
  },
  /** What a receiver does with a body of JSON before anything is asked of its spans. */
  viewTracesJson: (batches, size) => {
    const bodies = batches.map((spans) => encodeTracesJson(spans));
    return [
      inTurn('spanflow, views', size, bodies, (body) => viewTracesJson(body)),
      inTurn('JSON.parse of the body', size, bodies, parsedBody),
    ];
  },
};

export function spanCodec(task: SpanTask, name: WorkloadName): CodecTask {
  const { name: workload, batches } = workloadOf(name);
  return { workload, contestants: contestants[task](batches, batches[0]?.length ?? 0) };
}
