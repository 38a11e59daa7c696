// What is sent through the pipeline, and beside it what must be seen on the other side of the wire.

import { readFileSync } from 'node:fs';
import { zstdDecompressSync } from 'node:zlib';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { decodeTraces } from '../../src/otlp/index.ts';
import { astronomy, dataFolder, heldTwins, type Origin } from '../support/data.ts';
import { asSpansHoldIt, countOf, type RequestJson, spansOf, type TelemetryCount } from '../support/otlpJson.ts';
import { requestJsonOf } from '../support/spanJson.ts';
import { generatedSpans } from '../support/spans.ts';
import { decodeRequest } from '../support/wire.ts';
import { encodeRequest } from '../support/wireWriter.ts';

/** Some spans, and the same ones as a code that is not ours reads them. */
export interface Crate {
  readonly spans: readonly ReadableSpan[];
  readonly twin: RequestJson;
}

export interface Cargo {
  readonly origin: Origin;
  /** What is in it, known beforehand. */
  readonly count: TelemetryCount;
  /** One after the other, so that never more than one of them is in memory. */
  crates(): Generator<Crate>;
}

/** The 465 requests of the demo shop, each beside its JSON twin. */
export function demoShop(): Cargo {
  const set = astronomy();
  return {
    origin: set.origin,
    count: set.count,
    *crates() {
      const twins = heldTwins(set);
      for (const bytes of set.requests()) {
        const twin = twins.next().value as RequestJson;
        yield { spans: decodeTraces(bytes), twin };
      }
    },
  };
}

/** A cargo that came as a single request. */
export interface OneRequest extends Cargo {
  readonly bytes: Uint8Array;
}

/** 86,583 spans of 1,699 resources in one request of 23.8 MB. It has no JSON twin: its twin is what the tests' own reader sees. */
export function hipsterShop(): OneRequest {
  const folder = dataFolder();
  if (folder === undefined) return generatedRequest();
  const framed = zstdDecompressSync(readFileSync(`${folder}/large/hipstershop.otlp.zst`));
  const bytes = framed.subarray(4, 4 + framed.readUInt32BE(0));
  return oneRequest('recorded', { spans: 86_583, events: 3_862, attributes: 432_757 }, bytes);
}

function generatedRequest(): OneRequest {
  const request = requestJsonOf(generatedSpans({ count: 6_000 }));
  return oneRequest('generated', countOf([request]), encodeRequest(request));
}

function oneRequest(origin: Origin, count: TelemetryCount, bytes: Uint8Array): OneRequest {
  return {
    origin,
    count,
    bytes,
    *crates() {
      const spans = decodeTraces(bytes);
      let taken = 0;
      for (const part of resourceSpansOf(bytes)) {
        const twin = asSpansHoldIt(decodeRequest(part));
        const size = [...spansOf(twin)].length;
        yield { spans: spans.slice(taken, taken + size), twin };
        taken += size;
      }
    },
  };
}

/** Each `ResourceSpans` of a request (field 1, length-delimited), tag and length included: so each is a request by itself. */
function* resourceSpansOf(request: Uint8Array): Generator<Uint8Array> {
  for (let start = 0; start < request.length; ) {
    let at = start + 1;
    let length = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = request[at++] ?? 0;
      length += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) break;
    }
    yield request.subarray(start, at + length);
    start = at + length;
  }
}
