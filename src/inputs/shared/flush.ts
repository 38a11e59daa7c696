import type { FlushRelease, FlushRequest, FlushUrgency } from '../../model/batch.ts';

/**
 * One flush. It is one request, as long as no stage lets out what it has gathered. Where one does, the stages behind it may have answered before that came: so they are asked again when it has come.
 *
 * In which order stages hear of a request is that of their subscriptions, which says nothing of who stands behind whom. So each of n such stages may need a round of its own, and the round after them is the last: what comes in all the time
 * makes no flush endless.
 */
export class Flush {
  readonly #send: (request: FlushRequest) => void;
  readonly #onDone: () => void;
  readonly #urgency: FlushUrgency;
  #holds = 1; // without an answer, of all rounds; one is our own, until the last round has been sent
  #rounds = 0;
  #stages = 0; // that let out what they gather, in the round that had most of them
  #claims = 0; // of such stages, in this round
  #releasing = 0; // such stages that have not answered in this round
  #hasReleased = false; // one of them has let out something in this round
  #waitedMillis = 0; // for the earlier rounds
  #roundMillis = 0; // the longest answer of this round
  #isSending = false;

  constructor(send: (request: FlushRequest) => void, onDone: () => void, urgency: FlushUrgency) {
    this.#send = send;
    this.#onDone = onDone;
    this.#urgency = urgency;
  }

  begin(): void {
    do this.#round();
    while (this.#isFollowed);
    this.#rest();
  }

  get #isFollowed(): boolean {
    return this.#releasing === 0 && this.#hasReleased && this.#rounds <= this.#stages;
  }

  #round(): void {
    this.#rounds += 1;
    this.#claims = 0;
    this.#hasReleased = false;
    this.#waitedMillis += this.#roundMillis;
    this.#roundMillis = 0;
    const elapsedMillis = (this.#urgency.elapsedMillis ?? 0) + this.#waitedMillis;
    this.#isSending = true;
    this.#send({
      urgency: elapsedMillis === 0 ? this.#urgency : { ...this.#urgency, elapsedMillis },
      hold: () => this.#hold(),
      release: () => this.#release(),
    });
    this.#isSending = false;
  }

  #hold(): { settle(): void } {
    this.#holds += 1;
    let isSettled = false;
    return {
      settle: () => {
        if (isSettled) return;
        isSettled = true;
        this.#settleOne();
      },
    };
  }

  #release(): FlushRelease | undefined {
    if (this.#rounds > 1 && this.#rounds > this.#stages) return undefined;
    this.#claims += 1;
    this.#stages = Math.max(this.#stages, this.#claims);
    this.#releasing += 1;
    let isSettled = false;
    return {
      settle: (hasReleased, waitedMillis) => {
        if (isSettled) return;
        isSettled = true;
        this.#releasing -= 1;
        this.#hasReleased ||= hasReleased;
        this.#roundMillis = Math.max(this.#roundMillis, waitedMillis);
        if (this.#isSending || this.#releasing > 0) return;
        if (this.#isFollowed) this.begin();
        else this.#rest();
      },
    };
  }

  /** The last round has been sent, unless a stage still lets something out. */
  #rest(): void {
    if (this.#releasing === 0) this.#settleOne();
  }

  #settleOne(): void {
    this.#holds -= 1;
    if (this.#holds === 0) this.#onDone();
  }
}
