// Mutated requests to a running receiver, one after the other, and whether each was answered as the decoders say.

import { seeded } from '../support/spans.ts';
import { corpus, type Specimen } from './corpus.ts';
import { mutated } from './mutations.ts';
import { type Answer, LIMITS, packed, type Shot, Target } from './target.ts';
import { type Coding, type Expected, expectedOf, unpacked } from './verdict.ts';

/** A request that was not answered as it has to be. */
export interface Finding {
  /** Of the request: with the seed, it makes the same one again. */
  readonly index: number;
  readonly what: string;
  readonly shot: Shot;
}

export interface FuzzReport {
  readonly requests: number;
  /** By protocol and status. */
  readonly answers: Readonly<Record<string, number>>;
  readonly findings: readonly Finding[];
}

export interface FuzzOptions {
  readonly seed: number;
  /** The number of the first request. Default 0. */
  readonly from?: number;
  /** Asked before each request, with its number. */
  readonly goesOn: (index: number) => boolean;
}

const MAX_FINDINGS = 20;
const CODINGS: readonly Coding[] = ['gzip', 'zstd', 'deflate'];

export async function fuzz({ seed, from = 0, goesOn }: FuzzOptions): Promise<FuzzReport> {
  const specimens = corpus();
  const target = new Target();
  await target.open();
  const answers: Record<string, number> = {};
  const findings: Finding[] = [];
  let index = from;
  try {
    for (; findings.length < MAX_FINDINGS && goesOn(index); index += 1) {
      const shot = shotOf(specimens, seed, index);
      const answer = await target.send(shot).catch((error: unknown) => `no answer: ${error}`);
      const what = typeof answer === 'string' ? answer : wrongIn(shot, answer);
      if (what !== undefined) findings.push({ index, what, shot });
      const status = typeof answer === 'string' ? 'none' : answer.status;
      answers[`${shot.over} ${status}`] = (answers[`${shot.over} ${status}`] ?? 0) + 1;
    }
    const { held } = target;
    if (JSON.stringify(held) !== NOTHING_HELD) throw new Error(`the receiver kept ${JSON.stringify(held)}`);
  } finally {
    await target.close();
  }
  return { requests: index - from, answers, findings };
}

const NOTHING_HELD = JSON.stringify({ bytesInFlight: 0, openRequests: 0, pending: [0, 0, 0] });

/** The request of this number. */
export function shotOf(specimens: readonly Specimen[], seed: number, index: number): Shot {
  const random = seeded(Math.imul(seed, 0x9e37_79b1) + index);
  const { signal, format, bytes } = specimens[Math.floor(random() * specimens.length)] as Specimen;
  const changed = mutated(bytes, format, random);
  const way = random();
  if (format === 'protobuf' && way < 0.4) return { signal, format, over: 'grpc', bytes: changed };
  if (way < 0.85) return { signal, format, over: 'http', bytes: changed };
  const coding = CODINGS[Math.floor(random() * CODINGS.length)] as Coding;
  // Sound outside and broken inside, or broken outside.
  const compressed = coding === 'deflate' ? changed : packed(way < 0.9 ? changed : bytes, coding);
  const sent = way < 0.9 ? compressed : mutated(compressed, 'protobuf', random);
  return { signal, format, over: 'http', bytes: sent, coding };
}

/** What is wrong in an answer, if anything. */
function wrongIn(shot: Shot, { status, ending, items, thrown }: Answer): string | undefined {
  if (thrown.length > 0) return `an item cannot be read: ${thrown[0]}`;
  if (ending === undefined) return `${status} is no documented answer to a body`;
  const expected = endOf(shot);
  if (expected.ending === ending && expected.items === items) return undefined;
  return `${ending} with ${items} items, where the decoder says ${JSON.stringify(expected)}`;
}

function endOf({ signal, format, bytes, coding }: Shot): Expected {
  const { maxRequestBytes, decode } = LIMITS;
  if (bytes.length > maxRequestBytes) return { ending: 'tooLarge', items: 0 };
  const body = coding === undefined ? bytes : unpacked(bytes, coding, maxRequestBytes);
  return typeof body === 'string' ? { ending: body, items: 0 } : expectedOf(signal, format, body, decode);
}
