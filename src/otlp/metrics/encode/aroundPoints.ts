import { shown } from '../../../model/errors.ts';
import type { MetricDataPoint } from '../../../model/metricDataPoint.ts';
import { writeUncounted } from '../../encode/attributes.ts';
import type { EncoderState } from '../../encode/encoderState.ts';
import { enumOf, stringOf, writeNameField, writeStringField, writeUint32Field } from '../../encode/fields.ts';
import type { MessageAround } from '../../encode/messageAround.ts';
import { GAUGE, SUM, SUMMARY } from '../dataPointTypes.ts';

// opentelemetry.proto.metrics.v1, field by field: numbers times 8, plus how each is written.
const METRIC = { name: 0x0a, description: 0x12, unit: 0x1a, metadata: 0x62 } as const;
/** By the type of the points: histogram, exponential histogram, gauge, sum, summary. */
const DATA_TAGS = [0x4a, 0x52, 0x2a, 0x3a, 0x5a] as const;
const AGGREGATION_TEMPORALITY = 0x10;
const IS_MONOTONIC = 0x18;

/** How many messages contain the value of a metadata entry, from the request down. */
const METADATA_DEPTH = 5;
/** The SDK counts temporalities from DELTA = 0, the wire from 1: there 0 is UNSPECIFIED. */
const TEMPORALITY_SHIFT = 1;

/** Points of one metric are put together into one `Metric` message. */
export const aroundPoints: MessageAround<MetricDataPoint> = {
  of: ({ metric }) => metric,
  writeHead,
  dataTag: ({ metric: { dataPointType } }) => {
    const tag = DATA_TAGS[dataPointType];
    if (tag === undefined) throw new Error(`its dataPointType must be 0 to 4, but is ${shown(dataPointType)}`);
    return tag;
  },
  writeRest,
  writeTail: (state, start, { metric }) =>
    writeUncounted(state, start, METRIC.metadata, METADATA_DEPTH, metric.metadata),
};

function writeHead(state: EncoderState, start: number, { metric: { descriptor } }: MetricDataPoint): number {
  const { out } = state;
  const name = stringOf(descriptor.name);
  const unit = stringOf(descriptor.unit);
  let at = writeNameField(out, start, METRIC.name, name, state.nameOf(name));
  at = writeStringField(out, at, METRIC.description, descriptor.description);
  return writeNameField(out, at, METRIC.unit, unit, state.nameOf(unit));
}

function writeRest(state: EncoderState, start: number, { metric }: MetricDataPoint): number {
  const { dataPointType } = metric;
  if (dataPointType === GAUGE || dataPointType === SUMMARY) return start;
  const temporality = enumOf(metric.aggregationTemporality, TEMPORALITY_SHIFT);
  const at = writeUint32Field(state.out, start, AGGREGATION_TEMPORALITY, temporality);
  const isMonotonic = dataPointType === SUM && metric.isMonotonic === true;
  return writeUint32Field(state.out, at, IS_MONOTONIC, isMonotonic ? 1 : 0);
}
