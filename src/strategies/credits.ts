/**
 * The side that sends: it may send as many batches as it was allowed since the session began. A limit is a number since then and not an addition, so one that comes twice, or is lost, does no harm.
 */
export class SendingCredits {
  #session: string | undefined; // of the side that receives
  #upTo = 0; // batches that it has allowed in this session
  #sent = 0; // in this session

  get session(): string | undefined {
    return this.#session;
  }

  /** So many batches may be sent in this session. Another session begins anew. */
  allow(session: string, upTo: number): void {
    if (session !== this.#session) this.#begin(session);
    this.#upTo = Math.max(this.#upTo, upTo);
  }

  /** The session is over: nothing may be sent until another one begins. */
  end(session: string): void {
    if (session === this.#session) this.#begin(undefined);
  }

  /** The number of the next batch, from 1, or `undefined`: it has to wait. */
  take(): number | undefined {
    if (this.#sent >= this.#upTo) return undefined;
    this.#sent += 1;
    return this.#sent;
  }

  #begin(session: string | undefined): void {
    this.#session = session;
    this.#sent = 0;
    this.#upTo = 0;
  }
}

/** The side that receives: up to `maxBatches` may be on their way, or here without an end. */
export class ReceivingCredits {
  readonly #maxBatches: number;
  #ended = 0;
  #upTo = 0; // what was allowed last

  constructor(maxBatches: number) {
    this.#maxBatches = maxBatches;
  }

  /** A batch has ended: its place is free. */
  ended(): void {
    this.#ended += 1;
  }

  /** What is allowed now. While nothing more is wanted, it stays as it was. */
  limit(isWanted: boolean): number {
    if (isWanted) this.#upTo = this.#ended + this.#maxBatches;
    return this.#upTo;
  }
}
