// What encoding or decoding costs on one workload, with whatever does the same beside it.

import type { CodecTask } from '../support/codecTask.ts';
import { type LogTask, logCodec } from '../support/logCodec.ts';
import { type MetricTask, metricCodec } from '../support/metricCodec.ts';
import { profiled } from '../support/profile.ts';
import { given, program } from '../support/program.ts';
import { type Measured, measure, type RoundsOptions } from '../support/rounds.ts';
import { type SpanTask, spanCodec } from '../support/spanCodec.ts';
import type { WorkloadName } from '../support/workloads.ts';

export type Task = SpanTask | LogTask | MetricTask;

export interface CodecInput {
  readonly task: Task;
  /** Of spans. */
  readonly workload?: WorkloadName;
  readonly options: RoundsOptions;
  /** Where a CPU profile is to be written, if one is wanted. */
  readonly profile?: string;
}

export interface CodecMeasured {
  readonly what: string;
  /** Of each contestant, the first being spanflow. */
  readonly nanos: Measured;
}

const { task, workload: name = 'request', options, profile } = given<CodecInput>();

async function prepared(): Promise<CodecTask> {
  if (task === 'encodeLogs' || task === 'decodeLogs' || task === 'viewLogsJson') return logCodec(task);
  if (task === 'encodeMetrics' || task === 'decodeMetrics' || task === 'viewMetricsJson') return metricCodec(task);
  return spanCodec(task, name);
}

program(async (): Promise<CodecMeasured> => {
  const { workload, contestants } = await prepared();
  const nanos = await profiled(profile, async () => measure(contestants, options));
  return { what: `${task}, ${workload}`, nanos };
});
