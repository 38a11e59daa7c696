// What encoding or decoding costs on one workload, with whatever does the same beside it.

import { JsonTraceSerializer, ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { decodeTraces, decodeTracesJson, encodeTraces, encodeTracesJson } from '../../../src/otlp/index.ts';
import { protobufjsSpans } from '../../otlp/oracleDecode.ts';
import { traceRequest } from '../../support/otlpSchema.ts';
import { profiled } from '../support/profile.ts';
import { given, program } from '../support/program.ts';
import { type Contestant, type Measured, measure, type RoundsOptions } from '../support/rounds.ts';
import { type WorkloadName, workloadOf } from '../support/workloads.ts';

export type Task = 'encodeTraces' | 'decodeTraces' | 'encodeTracesJson' | 'decodeTracesJson';

export interface CodecInput {
  readonly task: Task;
  readonly workload: WorkloadName;
  readonly options: RoundsOptions;
  /** Where a CPU profile is to be written, if one is wanted. */
  readonly profile?: string;
}

export interface CodecMeasured {
  readonly what: string;
  /** Of each contestant, the first being spanflow. */
  readonly nanos: Measured;
}

type Batch = readonly ReadableSpan[];

const { task, workload, options, profile } = given<CodecInput>();
const { name, batches } = workloadOf(workload);

const contestants: Readonly<Record<Task, () => Contestant[]>> = {
  encodeTraces: () => [
    inTurn('spanflow', batches, encodeTraces),
    inTurn('otlp-transformer', batches, (spans) => ProtobufTraceSerializer.serializeRequest(spans as ReadableSpan[])),
  ],
  /** protobufjs stops at messages; what a program needs is spans. */
  decodeTraces: () => {
    const bodies = batches.map((spans) => encodeTraces(spans));
    return [
      inTurn('spanflow', bodies, decodeTraces),
      inTurn('protobufjs and spans of it', bodies, protobufjsSpans),
      inTurn('protobufjs, messages only', bodies, (bytes) => traceRequest.decode(bytes)),
    ];
  },
  encodeTracesJson: () => [
    inTurn('spanflow', batches, encodeTracesJson),
    inTurn('otlp-transformer', batches, (spans) => JsonTraceSerializer.serializeRequest(spans as ReadableSpan[])),
  ],
  /** There is no other decoder to stand beside it: what reading the syntax alone costs. */
  decodeTracesJson: () => {
    const bodies = batches.map((spans) => new TextDecoder().decode(encodeTracesJson(spans)));
    return [
      inTurn('spanflow', bodies, decodeTracesJson),
      inTurn('JSON.parse alone', bodies, (text) => JSON.parse(text)),
    ];
  },
};

/** With one batch after the other. */
function inTurn<Input>(name: string, inputs: readonly Input[], run: (input: Input) => unknown): Contestant {
  let at = 0;
  return { name, run: () => run(inputs[at++ % inputs.length] as Input), items: (batches[0] as Batch).length };
}

program(async (): Promise<CodecMeasured> => {
  const nanos = await profiled(profile, async () => measure(contestants[task](), options));
  return { what: `${task}, ${name}`, nanos };
});
