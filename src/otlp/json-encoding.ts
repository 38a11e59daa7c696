import { timeField } from './json-field.ts';
import { JsonWriter } from './json-writer.ts';
import { Memo } from './memo.ts';
import { Walk } from './walk.ts';

const MAX_KNOWN_KEYS = 512;

/** An attribute's key that came before. */
export interface KnownKeyJson {
  readonly key: string;
  /** A pair up to its value. */
  readonly start: Uint8Array;
  /** Whole pairs, by their value. */
  readonly pairs: Memo<Uint8Array>;
}

/** What encoding goes on with from span to span and from request to request. */
export class JsonEncoding extends Walk {
  readonly writer = new JsonWriter();
  readonly keys = new Memo<KnownKeyJson>(MAX_KNOWN_KEYS);
  /** The key that was last in each place among the attributes of whatever was written. */
  readonly places: KnownKeyJson[] = [];
  /** Names of spans and events, each as the field that it is. */
  readonly names = new Memo<Uint8Array>();
  readonly startTime = timeField('startTimeUnixNano');
  readonly endTime = timeField('endTimeUnixNano');
  readonly eventTime = timeField('timeUnixNano');
}
