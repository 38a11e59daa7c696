import { KnownId } from '../../cache/knownId.ts';
import type { KnownKey } from '../../cache/knownKey.ts';
import type { KnownName, Place } from '../../cache/knownName.ts';
import { Memo } from '../../cache/memo.ts';
import { Output } from '../../protobuf/outputBuffer.ts';
import type { KnownSecond } from './encodeField.ts';
import { Walk } from './spanLimits.ts';

const MAX_KNOWN_KEYS = 512;
const MAX_KNOWN_NAMES = 256;

/** What encoding goes on with from span to span and from request to request. */
export class Encoding extends Walk {
  /** Another one when this was lent. */
  out = new Output();
  readonly keys = new Memo<KnownKey>(MAX_KNOWN_KEYS, () => this.#forgetPlaces());
  /** Names of spans and events. */
  readonly names = new Memo<KnownName>(MAX_KNOWN_NAMES);
  /** Of all that have no known name. */
  readonly places: Place[] = [];
  readonly traceId = new KnownId();
  readonly parentId = new KnownId();
  /** At first none: NaN is no second, not even the same. */
  readonly second: KnownSecond = { seconds: Number.NaN, low: 0, high: 0 };

  /** How many bytes the length of the last span took: the next one's will probably take as many. */
  spanWidth = 2;

  /** Begins another request. */
  begin(): void {
    this.out.reset();
    this.forgetIds();
  }

  /** The last span's length took so many bytes more than was expected. */
  moved(bytes: number): void {
    this.spanWidth += bytes;
    this.forgetIds();
  }

  /** They hold keys, which would otherwise be as many as there are places. */
  #forgetPlaces(): void {
    this.names.clear();
    this.places.length = 0;
  }

  /** What was written last may be overwritten. */
  forgetIds(): void {
    this.traceId.forget();
    this.parentId.forget();
  }
}
