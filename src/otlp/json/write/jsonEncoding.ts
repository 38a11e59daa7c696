import { KnownId } from '../../cache/knownId.ts';
import { Memo } from '../../cache/memo.ts';
import { Output } from '../../protobuf/outputBuffer.ts';
import { Walk } from '../../traces/encode/spanLimits.ts';
import { type TimeField, timeField } from './jsonField.ts';
import type { KnownKeyJson } from './jsonKnown.ts';

const MAX_KNOWN_KEYS = 512;

/** What encoding goes on with from span to span and from request to request. */
export class JsonEncoding extends Walk {
  readonly out = new Output();
  readonly keys = new Memo<KnownKeyJson>(MAX_KNOWN_KEYS);
  /** The key that was last in each place among the attributes of whatever was written. */
  readonly places: KnownKeyJson[] = [];
  /** Names of spans and events, each as the field that it is. */
  readonly names = new Memo<Uint8Array>();
  readonly traceId = new KnownId();
  readonly parentId = new KnownId();
  readonly startTime: TimeField = timeField('startTimeUnixNano');
  readonly endTime: TimeField = timeField('endTimeUnixNano');
  readonly eventTime: TimeField = timeField('timeUnixNano');

  /** Begins another request. */
  begin(): void {
    this.out.reset();
    this.forgetIds();
  }

  /** What was written last may be overwritten. */
  forgetIds(): void {
    this.traceId.forget();
    this.parentId.forget();
  }
}
