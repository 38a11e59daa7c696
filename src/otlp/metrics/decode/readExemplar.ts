import type { Exemplar } from '../../../model/metricDataPoint.ts';
import { readAttribute } from '../../decode/attributes.ts';
import { readTime } from '../../decode/hrTime.ts';
import { listOf } from '../../decode/plainObject.ts';
import type { Reader } from '../../protobuf/reader.ts';
import { delimited, fieldsOf, fixed64, readMessage } from '../../protobuf/readMessage.ts';
import type { Costs } from '../../protobuf/scan.ts';
import { readInt } from './numbers.ts';
import type { PointMessage } from './pointMessage.ts';
import { INT, ReceivedExemplar, UNSET } from './receivedPoint.ts';

/** Heap that an exemplar takes without its attributes: the object, ids, its time, and the first element of a list. */
const EXEMPLAR_BYTES = 320;

export const EXEMPLAR_COSTS: Costs = { Exemplar: [1, EXEMPLAR_BYTES] };

interface ExemplarMessage {
  readonly exemplar: ReceivedExemplar;
  /** Of a value that came in several forms, the last one holds. */
  isInt: boolean;
}

const exemplarFields = fieldsOf<ExemplarMessage>({
  [fixed64(2)]: ({ exemplar }, reader) => {
    exemplar.timestamp = readTime(reader);
  },
  [fixed64(3)]: (message, reader) => {
    message.exemplar.value = reader.double();
    message.isInt = false;
  },
  [delimited(4)]: ({ exemplar }, reader) => setId(exemplar, 'spanId', reader.hex()),
  [delimited(5)]: ({ exemplar }, reader) => setId(exemplar, 'traceId', reader.hex()),
  [fixed64(6)]: (message, reader) => {
    message.exemplar.value = readInt(reader);
    message.isInt = true;
  },
  [delimited(7)]: ({ exemplar }, reader) => readAttribute(exemplar.filteredAttributes, reader),
});

/** An empty id means that there is none. */
function setId(exemplar: ReceivedExemplar, name: 'spanId' | 'traceId', id: string): void {
  if (id === '') delete exemplar[name];
  else exemplar[name] = id;
}

/** Reads one exemplar of a point. */
export function readExemplar(of: PointMessage, reader: Reader): void {
  reader.spend(1, EXEMPLAR_BYTES);
  const exemplar = new ReceivedExemplar();
  const message: ExemplarMessage = { exemplar, isInt: false };
  readMessage(reader, exemplarFields, message);
  if (message.isInt) of.metric.descriptor.valueType = INT;
  if (exemplar.timestamp === UNSET) exemplar.timestamp = listOf(0, 0);
  of.point.exemplars ??= listOf<Exemplar[]>();
  of.point.exemplars.push(exemplar);
}
