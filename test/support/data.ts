// The recorded data beside the project, and generated equivalents where it is absent: nothing is skipped, and the run says so.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { zstdDecompressSync } from 'node:zlib';
import { asSpansHoldIt, countOf, type RequestJson, type TelemetryCount } from './otlpJson.ts';
import { requestJsonOf } from './spanJson.ts';
import { generatedSpans } from './spans.ts';
import { delimited, encodeRequest } from './wireWriter.ts';

export type Origin = 'recorded' | 'generated';

/** Trace export requests, each as bytes and as JSON, from two encoders that know nothing of each other. */
export interface TraceSet {
  readonly origin: Origin;
  /** What is in it, known beforehand and not counted by the code under test. */
  readonly count: TelemetryCount;
  requests(): Generator<Uint8Array>;
  /** The same requests as canonical OTLP/JSON, in the same order. */
  twins(): Generator<RequestJson>;
}

/** One payload in binary and canonical JSON form. */
export interface Pair {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly json: RequestJson;
}

/** A body of `/v1/traces`, and what a decoder must say to it. */
export interface HostileBody {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly expect: string;
}

let warned = false;

/** The data folder, `SPANFLOW_DATA` or the one beside the project; `undefined`, once loudly, where there is none. */
export function dataFolder(): string | undefined {
  const folder = folderName();
  if (existsSync(folder)) return folder;
  if (!warned)
    console.warn(`NO RECORDED DATA at ${folder} (SPANFLOW_DATA names another): GENERATED data is tested instead.`);
  warned = true;
  return undefined;
}

const missed = new Set<string>();

/** The path of one file of the data folder; `undefined`, once loudly, where it is absent: `without` says what that means for the tests. */
export function dataFile(name: string, without: string): string | undefined {
  const path = join(folderName(), name);
  if (existsSync(path)) return path;
  if (!missed.has(path)) console.warn(`NO ${name} at ${path} (SPANFLOW_DATA names another folder): ${without}.`);
  missed.add(path);
  return undefined;
}

function folderName(): string {
  return process.env.SPANFLOW_DATA ?? fileURLToPath(new URL('../../../shared/data', import.meta.url));
}

/** 465 requests of the OpenTelemetry demo shop: 64,151 spans. */
export function astronomy(): TraceSet {
  const folder = dataFolder();
  if (folder === undefined) return generatedSet();
  return {
    origin: 'recorded',
    count: { spans: 64_151, events: 64_103, attributes: 715_338 },
    *requests() {
      yield* framed(unpacked(`${folder}/large/astronomy.otlp.zst`));
    },
    *twins() {
      yield* jsonLines(unpacked(`${folder}/large/astronomy.jsonl.zst`));
    },
  };
}

/** 86,583 spans in one request of 23.8 MB. */
export function hipstershop(): { readonly request: Uint8Array; readonly spans: number } {
  const folder = dataFolder();
  if (folder !== undefined) {
    const [request = new Uint8Array()] = framed(unpacked(`${folder}/large/hipstershop.otlp.zst`));
    return { request, spans: 86_583 };
  }
  const spans = 10_000;
  return { request: encodeRequest(requestJsonOf(generatedSpans({ seed: 5, count: spans }))), spans };
}

function generatedSet(): TraceSet {
  const all = Array.from({ length: 40 }, (_, seed) => requestJsonOf(generatedSpans({ seed, count: 100 })));
  return {
    origin: 'generated',
    count: countOf(all),
    *requests() {
      for (const request of all) yield encodeRequest(request);
    },
    *twins() {
      yield* structuredClone(all);
    },
  };
}

/** 189 payloads from many projects. */
export function pairs(): Pair[] {
  const folder = dataFolder();
  if (folder === undefined) return generatedPairs();
  const names = readdirSync(`${folder}/pairs`).filter((name) => name.endsWith('.binpb'));
  return names.map((file) => {
    const name = file.slice(0, -'.binpb'.length);
    const json: RequestJson = JSON.parse(readFileSync(`${folder}/pairs/${name}.canonical.json`, 'utf8'));
    return { name, bytes: readFileSync(`${folder}/pairs/${file}`), json };
  });
}

function generatedPairs(): Pair[] {
  return Array.from({ length: 189 }, (_, seed) => {
    const json = requestJsonOf(generatedSpans({ seed, count: seed % 7 }));
    return { name: `generated ${seed}`, bytes: encodeRequest(json), json };
  });
}

/** Bodies that every decoder must refuse. */
export function malformedBodies(): HostileBody[] {
  const folder = dataFolder();
  if (folder === undefined) return generatedMalformedBodies();
  const file = readFileSync(`${folder}/hostile/collector__malformed_protobuf_cases.json`, 'utf8');
  const { cases }: { cases: { message: string; case: string; traceRequestHex?: string }[] } = JSON.parse(file);
  return cases.flatMap(({ message, case: name, traceRequestHex: hex }) =>
    hex === undefined ? [] : [{ name: `${message} ${name}`, bytes: Buffer.from(hex, 'hex'), expect: 'reject' }],
  );
}

/** Whatever is wrong, at each level of a request. */
function generatedMalformedBodies(): HostileBody[] {
  const levels = { request: [], resourceSpans: [1], scopeSpans: [1, 2], span: [1, 2, 2], event: [1, 2, 2, 11] };
  const wrongs = { 'field 0': '02', 'end of no group': '0c', 'no length': '0a', 'a length beyond the end': '0a7f00' };
  return Object.entries(levels).flatMap(([level, path]) =>
    Object.entries(wrongs).map(([wrong, hex]) => {
      const bytes = path.reduceRight(
        (inner, field) => Buffer.concat([Buffer.from([field * 8 + 2]), delimited(inner)]),
        Buffer.from(hex, 'hex'),
      );
      return { name: `${level} ${wrong}`, bytes, expect: 'reject' };
    }),
  );
}

/** Wire cases with their verdicts: `accept`, `reject`, `reject(RECOMMENDED)` or `app-level`. */
export function wireCases(): HostileBody[] {
  const folder = dataFolder();
  if (folder === undefined) return generatedMalformedBodies();
  const { cases }: { cases: { name: string; hex: string; expect: string }[] } = JSON.parse(
    readFileSync(`${folder}/hostile/protobuf_wire_cases.json`, 'utf8'),
  );
  return cases.map(({ name, hex, expect }) => ({ name, bytes: Buffer.from(hex, 'hex'), expect }));
}

/** The twins of a set as spans can hold them. */
export function* heldTwins(set: TraceSet): Generator<RequestJson> {
  for (const twin of set.twins()) yield asSpansHoldIt(twin);
}

function unpacked(path: string): Buffer {
  return zstdDecompressSync(readFileSync(path));
}

function* framed(bytes: Buffer): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; ) {
    const end = at + 4 + bytes.readUInt32BE(at);
    yield bytes.subarray(at + 4, end);
    at = end;
  }
}

function* jsonLines(bytes: Buffer): Generator<RequestJson> {
  for (let at = 0; at < bytes.length; ) {
    const newline = bytes.indexOf(0x0a, at);
    const end = newline < 0 ? bytes.length : newline;
    if (end > at) yield JSON.parse(bytes.toString('utf8', at, end)) as RequestJson;
    at = end + 1;
  }
}
