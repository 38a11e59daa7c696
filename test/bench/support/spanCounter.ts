/** The fields that lead from a request to its spans: `resource_spans`, `scope_spans`, `spans`. */
const FIELDS = [1, 2, 2];
const LENGTH_DELIMITED = 2;

/**
 * Counts the spans in a trace export request as its bytes come in, some ten nanoseconds each, and keeps none of them: a backend that decoded would be the slowest part of what is measured.
 *
 * It reads what encoders write, and throws at anything but length-delimited fields around the spans.
 */
export class SpanCounter {
  #spans = 0;
  #readBytes = 0; // of all chunks before this one
  #skipTo = 0; // what lies before is of no interest
  readonly #ends: number[] = []; // where each message ends that is being read
  #tag: number | undefined; // the tag whose length comes next
  #value = 0; // of the number that is being read …
  #factor = 1; // … and what its next seven bits are worth

  get spans(): number {
    return this.#spans;
  }

  push(chunk: Uint8Array): void {
    const base = this.#readBytes;
    for (let at = Math.max(0, this.#skipTo - base); at < chunk.length; at = Math.max(at + 1, this.#skipTo - base)) {
      const byte = chunk[at] as number;
      this.#value += (byte & 0x7f) * this.#factor;
      this.#factor *= 128;
      if (byte < 0x80) this.#number(base + at + 1);
    }
    this.#readBytes += chunk.length;
  }

  /** A number has ended: a tag, or the length after it. */
  #number(at: number): void {
    const value = this.#value;
    this.#value = 0;
    this.#factor = 1;
    if (this.#tag === undefined) this.#tag = value;
    else this.#field(at, this.#tag, value);
  }

  #field(at: number, tag: number, length: number): void {
    if ((tag & 7) !== LENGTH_DELIMITED) throw new TypeError(`a field that no span lies in: tag ${tag}`);
    this.#tag = undefined;
    const depth = this.#leave(at);
    const isOnTheWay = tag >>> 3 === FIELDS[depth];
    const end = at + length;
    if (isOnTheWay && depth < FIELDS.length - 1 && length > 0) {
      this.#ends.push(end);
      return;
    }
    if (isOnTheWay && depth === FIELDS.length - 1) this.#spans += 1;
    this.#skipTo = end;
  }

  /** Messages that were over before this field began. Returns how deep it lies. */
  #leave(at: number): number {
    while (this.#ends.length > 0 && at > (this.#ends.at(-1) as number)) this.#ends.pop();
    return this.#ends.length;
  }
}
