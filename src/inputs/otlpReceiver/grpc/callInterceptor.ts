import type { Metadata, ServerInterceptor } from '@grpc/grpc-js';
import { SIGNAL_NAMES } from '../../../otlp/signals.ts';
import type { GrpcJs } from '../../../peers/grpcJs.ts';
import type { FixedDelays } from '../admission/fixedDelays.ts';
import type { ReadingSlots } from '../admission/readingSlots.ts';
import type { Reception } from '../reception.ts';
import { RECEIVED } from '../signals.ts';
import { busy, notServed, tooSlow, type Verdict } from '../verdict.ts';
import { statusOf } from './grpcStatus.ts';

/** What lets calls in. */
export interface CallDoor {
  readonly reception: Reception;
  readonly slots: ReadingSlots;
  /** How long a message may take to come. */
  readonly readTimes: FixedDelays;
  readonly count: (verdict: Verdict) => void;
}

/**
 * Refuses calls before anything of their message is read, and reads no more of them at a time than there are slots. A call that waits for its slot is not read beyond the window of its stream (64 KiB): HTTP/2 holds its sender back.
 */
export function callInterceptor(grpc: GrpcJs, door: CallDoor): ServerInterceptor {
  return (method, call) => {
    const read = new CallRead(door, (verdict) => call.sendStatus(statusOf(grpc, verdict)));
    return new grpc.ServerInterceptingCall(call, {
      start: (next) =>
        next({
          onReceiveMetadata: (metadata, go) => read.begin(method.path, metadata, () => go(metadata)),
          onReceiveHalfClose: (go) => {
            read.received();
            go();
            read.end();
          },
          onReceiveMessage: (message, go) => go(message),
          onCancel: () => read.end(),
        }),
    });
  };
}

/** The reading of one call. */
class CallRead {
  readonly #door: CallDoor;
  readonly #refuse: (verdict: Verdict) => void;
  #endWait = () => {}; // for the message
  #endReading = () => {};
  #giveBack: (() => void) | undefined;
  #isOver = false;

  constructor(door: CallDoor, refuse: (verdict: Verdict) => void) {
    this.#door = door;
    this.#refuse = refuse;
  }

  begin(path: string, metadata: Metadata, go: () => void): void {
    const refused = this.#refusalOf(path, metadata);
    if (refused === undefined) this.#wait(go);
    else this.#fail(refused);
  }

  #wait(go: () => void): void {
    const { reception, slots, readTimes } = this.#door;
    this.#endReading = once(reception.beginReading());
    this.#giveBack = slots.take(() => {
      this.#endWait = readTimes.begin(() => this.#fail(tooSlow('the message came too slowly')));
      go();
    });
    const tooMany = busy('too many calls are being received', reception.settings.retryAfterMillis);
    if (this.#giveBack === undefined) this.#fail(tooMany);
  }

  /** The message is there as a whole. */
  received(): void {
    this.#endWait();
  }

  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#endWait();
    this.#giveBack?.();
    this.#endReading();
  }

  #refusalOf(path: string, metadata: Metadata): Verdict | undefined {
    const { reception } = this.#door;
    const signal = SIGNAL_NAMES.find((name) => RECEIVED[name].method === path);
    if (signal === undefined) return notServed(`there is no ${path} here`);
    const [authorization] = metadata.get('authorization');
    return reception.authorize(authorization?.toString()) ?? reception.admit(signal, 0);
  }

  #fail(verdict: Verdict): void {
    this.#door.count(verdict);
    this.#refuse(verdict);
    this.end();
  }
}

function once(work: () => void): () => void {
  let isDone = false;
  return () => {
    if (isDone) return;
    isDone = true;
    work();
  };
}
