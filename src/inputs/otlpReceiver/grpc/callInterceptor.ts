import type { Metadata, ServerInterceptingCallInterface, ServerInterceptor } from '@grpc/grpc-js';
import { SIGNAL_NAMES } from '../../../otlp/signals.ts';
import type { GrpcJs } from '../../../peers/grpcJs.ts';
import type { FixedDelays } from '../../shared/fixedDelays.ts';
import type { BodyPace } from '../admission/bodyPace.ts';
import type { ByteLease } from '../admission/byteBudget.ts';
import type { OpenRequests } from '../admission/openRequests.ts';
import type { ReadingSlots, Turn } from '../admission/readingSlots.ts';
import type { Reception } from '../reception.ts';
import { RECEIVED } from '../signals.ts';
import { busy, notServed, tooSlow, type Verdict } from '../verdict.ts';
import { statusOf } from './grpcStatus.ts';
import { onBytes } from './receivedBytes.ts';

/** In front of a message: whether it is compressed, and its length. */
const PREFIX_BYTES = 5;

/** What lets calls in. */
export interface CallDoor {
  readonly reception: Reception;
  readonly open: OpenRequests;
  readonly slots: ReadingSlots;
  /** How long a call waits before it claims a slot of a connection that has many. */
  readonly patience: FixedDelays;
  /** How long a message may take to come. */
  readonly readTimes: FixedDelays;
  readonly pace: BodyPace;
  readonly count: (verdict: Verdict) => void;
}

/**
 * Refuses calls before anything of their message is read, and reads no more of them at a time than there are slots. A call that waits for its slot is not read beyond the window of its stream (64 KiB): HTTP/2 holds its sender back.
 */
export function callInterceptor(grpc: GrpcJs, door: CallDoor): ServerInterceptor {
  return (method, call) => {
    const read = new CallRead(door, call, (verdict) => call.sendStatus(statusOf(grpc, verdict)));
    return new grpc.ServerInterceptingCall(call, {
      start: (next) =>
        next({
          onReceiveMetadata: (metadata, go) => read.begin(method.path, metadata, () => go(metadata)),
          onReceiveHalfClose: (go) => read.finish(go),
          onReceiveMessage: (message: Buffer, go) => {
            if (read.hold(message.length)) go(message);
          },
          onCancel: () => read.over(),
        }),
      sendStatus: (answer, next) => {
        read.over();
        next(answer);
      },
    });
  };
}

/** The reading of one call. */
class CallRead {
  receivedBytes = 0; // as they come
  readonly #door: CallDoor;
  readonly #call: ServerInterceptingCallInterface;
  readonly #refuse: (verdict: Verdict) => void;
  readonly #lease: ByteLease;
  #endWait = () => {}; // for a slot, and then for the message
  #unfollow = () => {}; // its bytes, and their pace
  #endReading = () => {};
  #giveBack: (() => void) | undefined; // its place among the open ones
  #turn: Turn | undefined;
  #isOver = false;

  constructor(door: CallDoor, call: ServerInterceptingCallInterface, refuse: (verdict: Verdict) => void) {
    this.#door = door;
    this.#call = call;
    this.#refuse = refuse;
    this.#lease = door.reception.lease();
  }

  begin(path: string, metadata: Metadata, go: () => void): void {
    const refused = this.#refusalOf(path, metadata) ?? this.#enter();
    if (refused === undefined) this.#wait(go);
    else this.#fail(refused);
  }

  /** So much of the message has come, or it is so long when it is decompressed. Returns whether it is still wanted. */
  hold(bytes: number): boolean {
    if (!this.#isOver && !this.#lease.reach(bytes)) this.#fail(this.#door.reception.noBytes());
    return !this.#isOver;
  }

  /** The message is there as a whole, and is taken. */
  finish(take: () => void): void {
    if (this.#isOver) return;
    this.#stopWaiting();
    take();
    this.end();
  }

  onSlow(): void {
    this.#fail(tooSlow('the message came too slowly'));
  }

  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#stopWaiting();
    this.#lease.giveBack();
    this.#turn?.end();
    this.#endReading();
  }

  /** It is answered, or its sender has gone. */
  over(): void {
    this.end();
    this.#giveBack?.();
  }

  #enter(): Verdict | undefined {
    this.#giveBack = this.#door.open.take(this.#call.getPeer());
    return this.#giveBack === undefined ? this.#door.reception.tooManyOpen() : undefined;
  }

  #stopWaiting(): void {
    this.#endWait();
    this.#unfollow();
  }

  #wait(go: () => void): void {
    const { reception, slots } = this.#door;
    const tooMany = busy('too many calls are being received', reception.settings.retryAfterMillis);
    this.#endReading = reception.beginReading();
    const turn = slots.take(this.#call.getPeer(), {
      begin: () => this.#read(go),
      giveWay: () => this.#fail(tooMany),
    });
    this.#turn = turn;
    if (turn === undefined) this.#fail(tooMany);
    else this.#insist(turn);
  }

  #insist(turn: Turn): void {
    if (!turn.isWaiting) return;
    this.#endWait = this.#door.patience.begin(() => {
      turn.claim();
      this.#insist(turn);
    });
  }

  #read(go: () => void): void {
    const { readTimes, pace } = this.#door;
    this.#endWait();
    this.#endWait = readTimes.begin(() => this.onSlow());
    const stop = onBytes(this.#call, (bytes) => {
      this.receivedBytes += bytes;
      this.hold(Math.max(0, this.receivedBytes - PREFIX_BYTES));
    });
    const unfollow = stop && pace.follow(this);
    this.#unfollow = () => {
      stop?.();
      unfollow?.();
    };
    go();
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
    this.over();
  }
}
