import type { IncomingMessage } from 'node:http';
import { messageOf } from '../../../model/errors.ts';
import type { BodyPace } from '../admission/bodyPace.ts';
import type { ByteLease } from '../admission/byteBudget.ts';
import type { Reception } from '../reception.ts';
import { malformed, tooSlow, type Verdict } from '../verdict.ts';
import { emptyCompressed, type Route } from './route.ts';

/** What reading a body needs. */
export interface BodyPlan {
  readonly reception: Reception;
  readonly route: Route;
  readonly lease: ByteLease;
  readonly pace: BodyPace;
}

/** The body, decompressed; a verdict as soon as it is known to be refused; `undefined` when the sender has gone. No more is read than the limits allow. */
export function readBody(request: IncomingMessage, plan: BodyPlan): Promise<Buffer | Verdict | undefined> {
  return new Promise((resolve) => new BodyReader(request, plan, resolve).begin());
}

class BodyReader {
  receivedBytes = 0; // as they come
  readonly #request: IncomingMessage;
  readonly #plan: BodyPlan;
  readonly #resolve: (result: Buffer | Verdict | undefined) => void;
  readonly #chunks: Buffer[] = [];
  #bytes = 0; // of the chunks
  #decoder: ReturnType<NonNullable<Route['coding']>> | undefined;
  #unfollow = () => {};
  #isOver = false;

  constructor(request: IncomingMessage, plan: BodyPlan, resolve: (result: Buffer | Verdict | undefined) => void) {
    this.#request = request;
    this.#plan = plan;
    this.#resolve = resolve;
  }

  begin(): void {
    this.#unfollow = this.#plan.pace.follow(this);
    this.#request.on('data', this.#onData).on('end', this.#onEnd).on('close', this.#onClose).on('error', this.#onClose);
    if (this.#plan.route.coding !== undefined) this.#decode(this.#plan.route.coding);
  }

  onSlow(): void {
    this.#finish(tooSlow('the body came too slowly'));
  }

  readonly #onData = (chunk: Buffer): void => {
    const { reception } = this.#plan;
    this.receivedBytes += chunk.length;
    if (this.receivedBytes > reception.settings.maxRequestBytes) this.#finish(reception.tooLarge());
    else if (this.#decoder === undefined) this.#keep(chunk);
    else if (!this.#decoder.write(chunk)) this.#request.pause();
  };

  readonly #onEnd = (): void => {
    if (this.#decoder === undefined) this.#finish(this.#whole());
    else if (this.receivedBytes === 0) this.#finish(emptyCompressed);
    else this.#decoder.end();
  };

  readonly #onClose = (): void => {
    if (!this.#request.complete) this.#finish(undefined);
  };

  #decode(coding: NonNullable<Route['coding']>): void {
    const decoder = coding();
    this.#decoder = decoder;
    decoder.on('data', (chunk: Buffer) => this.#keep(chunk));
    decoder.on('drain', () => this.#request.resume());
    decoder.on('end', () => this.#finish(this.#whole()));
    decoder.on('error', (error) => this.#finish(malformed(`the body cannot be decompressed: ${messageOf(error)}`)));
  }

  #keep(chunk: Buffer): void {
    const { reception, lease } = this.#plan;
    if (this.#isOver) return;
    this.#bytes += chunk.length;
    if (this.#bytes > reception.settings.maxRequestBytes) this.#finish(reception.tooLarge());
    else if (!lease.reach(this.#bytes)) this.#finish(reception.noBytes());
    else this.#chunks.push(chunk);
  }

  #whole(): Buffer {
    const [only] = this.#chunks;
    return this.#chunks.length === 1 && only !== undefined ? only : Buffer.concat(this.#chunks, this.#bytes);
  }

  #finish(result: Buffer | Verdict | undefined): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#unfollow();
    this.#request.off('data', this.#onData).off('end', this.#onEnd).off('close', this.#onClose);
    this.#decoder?.destroy();
    this.#chunks.length = 0;
    this.#resolve(result);
  }
}
