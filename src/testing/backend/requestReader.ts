import type { IncomingMessage, ServerResponse } from 'node:http';
import { BodyPace } from '../../inputs/otlpReceiver/admission/bodyPace.ts';
import { answer, discardRest } from '../../inputs/otlpReceiver/http/answer.ts';
import { readBody } from '../../inputs/otlpReceiver/http/readBody.ts';
import { formatOf, isVerdict, type Route, routeOf } from '../../inputs/otlpReceiver/http/route.ts';
import { receiverSettings } from '../../inputs/otlpReceiver/options.ts';
import { readRequest } from '../../inputs/otlpReceiver/readRequest.ts';
import { Reception } from '../../inputs/otlpReceiver/reception.ts';
import { RECEIVED } from '../../inputs/otlpReceiver/signals.ts';
import { malformed, type Verdict } from '../../inputs/otlpReceiver/verdict.ts';
import { SIGNAL_NAMES } from '../../otlp/signals.ts';
import type { OtlpBackendOptions } from './otlpBackendApi.ts';
import type { BackendRequest } from './otlpRequest.ts';
import { walkJsonSpans, walkSpans } from './wireSpans.ts';

type Content = Pick<BackendRequest, 'body' | 'spans' | 'items' | 'decoded'>;

/** A request that was read, and what there is of it. */
export interface ReadRequest {
  readonly content: Content & Pick<BackendRequest, 'wireBytes'>;
  /** What it is, or why it is refused. */
  readonly route: Route | Verdict;
}

const NOTHING: Content = { body: new Uint8Array(), spans: [], items: 0, decoded: undefined };

/** Reads requests, decompresses and decodes them, and refuses them as a receiver does: with its code. */
export class RequestReader {
  readonly #reception: Reception;
  readonly #pace: BodyPace;
  readonly #options: OtlpBackendOptions;

  constructor(options: OtlpBackendOptions, maxRequestBytes: number) {
    this.#options = options;
    this.#reception = new Reception(receiverSettings({ maxRequestBytes }), () => {});
    this.#pace = new BodyPace(this.#reception.settings.scheduler, 0); // a test may take its time
  }

  /** `undefined` when the sender has gone. */
  async read(message: IncomingMessage): Promise<ReadRequest | undefined> {
    const route = this.#routeOf(message);
    if (isVerdict(route)) return { route, content: { ...NOTHING, wireBytes: 0 } };
    const lease = this.#reception.lease(message.socket);
    let wireBytes = 0;
    message.on('data', (chunk: Buffer) => {
      wireBytes += chunk.length;
    });
    const body = await readBody(message, { reception: this.#reception, route, lease, pace: this.#pace });
    lease.giveBack();
    if (body === undefined) return undefined;
    if (!Buffer.isBuffer(body)) return { route: body, content: { ...NOTHING, wireBytes } };
    const content = this.#contentOf(message, route, body);
    if (isVerdict(content)) return { route: content, content: { ...NOTHING, body, wireBytes } };
    return { route, content: { ...content, wireBytes } };
  }

  refuse(message: IncomingMessage, response: ServerResponse, verdict: Verdict): void {
    answer(response, verdict, formatOf(message));
    discardRest(message, this.#reception.settings.scheduler);
  }

  /** A request without a content type is taken for protobuf, so that a test can be short. */
  #routeOf({ headers, method = '', url = '' }: IncomingMessage): Route | Verdict {
    const { path } = this.#options;
    const [asked = ''] = url.split('?', 1);
    const signal = SIGNAL_NAMES.find((name) => asked.endsWith(RECEIVED[name].path)) ?? 'traces';
    const known = path === undefined ? asked : asked === path ? RECEIVED[signal].path : '';
    return routeOf({ headers: { 'content-type': 'application/x-protobuf', ...headers }, method, url: known });
  }

  /**
   * What a receiver takes of a body. Why are the spans read once more, by a reader that shares no code with the receiver's? So that a test can check an encoder with it, and sees what is there even where both of ours are wrong alike.
   */
  #contentOf({ headers }: IncomingMessage, { signal, format }: Route, body: Uint8Array): Content | Verdict {
    const items = readRequest(signal, format, body, {});
    if (!Array.isArray(items)) return items;
    try {
      const walk = format === 'json' ? walkJsonSpans : walkSpans;
      const spans = signal === 'traces' ? walk(body) : [];
      const count = signal === 'traces' ? spans.length : items.length;
      return { body, spans, items: count, decoded: this.#options.decode?.(body, headers) };
    } catch (thrown) {
      return malformed(String(thrown));
    }
  }
}
