/** Which serial numbers were seen: one bit for each, so that millions of spans can be told apart for little memory. */
export class Serials {
  #bits = new Uint8Array(1 << 16);
  #count = 0;
  #repeated = 0;

  /** Different ones. */
  get count(): number {
    return this.#count;
  }

  /** How often one came that had come before. */
  get repeated(): number {
    return this.#repeated;
  }

  add(serial: number): void {
    const at = Math.floor(serial / 8);
    while (at >= this.#bits.length) this.#grow();
    const bit = 1 << (serial % 8);
    const byte = this.#bits[at] as number;
    if ((byte & bit) === 0) this.#count += 1;
    else this.#repeated += 1;
    this.#bits[at] = byte | bit;
  }

  #grow(): void {
    const grown = new Uint8Array(2 * this.#bits.length);
    grown.set(this.#bits);
    this.#bits = grown;
  }
}
