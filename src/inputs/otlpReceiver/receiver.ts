import type { Observable } from 'rxjs';
import { after, keepingAlive, outsideAnyContext } from '../../internal/timers.ts';
import { settingsOf } from '../../internal/validation.ts';
import { flushWithin, withinTime } from '../../internal/withinTime.ts';
import type { Batch, FlushRequest, FlushUrgency } from '../../model/batch.ts';
import { SpanflowError } from '../../model/errors.ts';
import type { SignalItems } from '../../model/signal.ts';
import { registerInput } from '../runInput.ts';
import { FlushRequests, outsideCaller } from '../shared/flushRequests.ts';
import type { OtlpReceiver, ReceiverAddress, ReceiverStats } from './api.ts';
import { GrpcReceiver } from './grpc/grpcReceiver.ts';
import { HttpReceiver } from './http/httpReceiver.ts';
import { OWNER, type ReceiverSettings, TIMEOUT_RULES } from './options.ts';
import { Reception } from './reception.ts';
import { unavailable } from './verdict.ts';

/** The two servers, the streams of the signals, and their life. */
export class Receiver implements OtlpReceiver {
  readonly traces$: Observable<Batch<SignalItems['traces']>>;
  readonly logs$: Observable<Batch<SignalItems['logs']>>;
  readonly metrics$: Observable<Batch<SignalItems['metrics']>>;
  readonly flush$: Observable<FlushRequest>;
  readonly #settings: ReceiverSettings;
  readonly #reception: Reception;
  readonly #flushes = new FlushRequests();
  readonly #http: HttpReceiver | undefined;
  readonly #grpc: GrpcReceiver | undefined;
  #address: ReceiverAddress = {};
  #listening: Promise<ReceiverAddress> | undefined;
  #shutdown: Promise<void> | undefined;
  #left: Promise<void> | undefined; // once it ends: the end of all connections
  #whenIdle: (() => void)[] = []; // what waits for the end of all requests

  constructor(settings: ReceiverSettings) {
    const reception = new Reception(settings, () => this.#idle());
    const { traces, logs, metrics } = reception.signals;
    this.#settings = settings;
    this.#reception = reception;
    this.traces$ = traces.batches$;
    this.logs$ = logs.batches$;
    this.metrics$ = metrics.batches$;
    this.flush$ = this.#flushes.requests$;
    this.#http = settings.http && new HttpReceiver(settings.http, reception);
    this.#grpc = settings.grpc && new GrpcReceiver(settings.grpc, reception);
    registerInput([this, this.traces$, this.logs$, this.metrics$], {
      isHot: true,
      ledger: settings.ledger,
      flush$: this.flush$,
      flush: (urgency) => this.#flush(urgency),
      end: (urgency) => this.#endWithin(urgency),
    });
  }

  get address(): ReceiverAddress {
    return this.#address;
  }

  listen(): Promise<ReceiverAddress> {
    if (this.#reception.isClosing)
      return Promise.reject(new SpanflowError('CLOSED', `${OWNER}: it has been shut down: make another one`));
    this.#listening ??= outsideAnyContext(() => this.#open());
    return this.#listening;
  }

  stats(): ReceiverStats {
    const { traces, logs, metrics } = this.#reception.signals;
    return {
      ...this.#reception.counts,
      connections: (this.#http?.connections ?? 0) + (this.#grpc?.connections ?? 0),
      answers: { http: this.#http?.answers ?? {}, grpc: this.#grpc?.answers ?? {} },
      signals: { traces: traces.counts, logs: logs.counts, metrics: metrics.counts },
    };
  }

  forceFlush(options: { timeoutMillis?: number } = {}): Promise<void> {
    const timeoutMillis = this.#timeoutOf('forceFlush', options);
    const flush = () => this.#flush({ timeoutMillis, isEnding: false });
    return flushWithin(this.#settings.scheduler, timeoutMillis, `${OWNER}.forceFlush`, flush);
  }

  shutdown(options: { timeoutMillis?: number } = {}): Promise<void> {
    const timeoutMillis = this.#timeoutOf('shutdown', options);
    this.#shutdown ??= this.#drain(timeoutMillis);
    return this.#shutdown;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.shutdown();
  }

  get #signals() {
    return Object.values(this.#reception.signals);
  }

  #timeoutOf(method: string, options: { timeoutMillis?: number }): number {
    const defaults = { timeoutMillis: this.#settings.shutdownTimeoutMillis };
    return settingsOf(`${OWNER}.${method}`, defaults, TIMEOUT_RULES, options).timeoutMillis;
  }

  async #open(): Promise<ReceiverAddress> {
    try {
      const http = await this.#http?.listen();
      const grpc = await this.#grpc?.listen();
      this.#address = { ...(http && { http }), ...(grpc && { grpc }) };
      return this.#address;
    } catch (thrown) {
      this.#close();
      throw thrown;
    }
  }

  /** Everything that was accepted before leaves, and has its outcome. */
  #flush(urgency: FlushUrgency): Promise<void> {
    const settled = this.#signals.map((signal) => signal.flush(urgency));
    const answered = outsideCaller((onDone) => this.#flushes.send(onDone, urgency));
    return Promise.all([answered, ...settled]).then(() => {});
  }

  /** The end of a run, for which nobody waits here: what is open at its deadline is given up. */
  #endWithin(urgency: FlushUrgency): void {
    if (this.#reception.isClosing) return;
    this.#end(urgency);
    const deadline = after(this.#settings.scheduler, urgency.timeoutMillis, () => this.#giveUp());
    this.#left?.then(() => deadline.unsubscribe());
  }

  /** Takes nothing new. The streams end when what came has left, and the connections are closed when it is answered. */
  #end(urgency: FlushUrgency): void {
    if (this.#reception.isClosing) return;
    this.#reception.isClosing = true;
    this.#http?.stop();
    this.#grpc?.stop();
    for (const signal of this.#signals) signal.flush(urgency);
    this.#flushes.send(() => {}, urgency);
    this.#reception.untilReceived(() => {
      for (const signal of this.#signals) signal.close();
      this.#flushes.complete();
    });
    this.#left = this.#untilIdle().then(() => this.#leave());
  }

  /** Nothing is open any more. */
  #leave(): Promise<void> | undefined {
    this.#http?.close();
    return this.#grpc?.leave();
  }

  async #drain(timeoutMillis: number): Promise<void> {
    const { scheduler } = this.#settings;
    const endsAtMillis = scheduler.now() + timeoutMillis;
    this.#end({ timeoutMillis, isEnding: true });
    try {
      await flushWithin(
        scheduler,
        timeoutMillis,
        `${OWNER}.shutdown`,
        () => this.#untilIdle(),
        () => '',
      );
      // A connection on which nothing is open makes no shutdown fail.
      const arm = (onLate: () => void) => keepingAlive(scheduler, endsAtMillis - scheduler.now(), onLate);
      await withinTime(
        arm,
        async () => this.#left,
        () => {},
      );
    } finally {
      this.#giveUp();
    }
  }

  #giveUp(): void {
    for (const signal of this.#signals) signal.giveUp();
    this.#reception.answerAll(unavailable('the receiver was shut down', this.#settings.retryAfterMillis));
    this.#close();
  }

  #close(): void {
    this.#http?.close();
    this.#grpc?.close();
  }

  #untilIdle(): Promise<void> {
    if (this.#reception.isIdle) return Promise.resolve();
    return new Promise((resolve) => this.#whenIdle.push(resolve));
  }

  #idle(): void {
    for (const resolve of this.#whenIdle.splice(0)) resolve();
  }
}
