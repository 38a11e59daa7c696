import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { seededRandom } from '../support/random.ts';
import { spanWith } from '../support/spans.ts';

const MAX_ITEMS = 4;
/** Mostly some dozen bytes, now and then more than a page of the database, or several. */
const FILLINGS = [20, 20, 300, 3_000, 3_000, 20_000, 70_000];

/** The spans of a batch, which its name determines down to the last byte. */
export function spansOf(name: string): ReadableSpan[] {
  const random = seededRandom(hashOf(name));
  const count = 1 + Math.floor(random() * MAX_ITEMS);
  return Array.from({ length: count }, (_, index) => {
    const length = Math.floor(random() * (FILLINGS[Math.floor(random() * FILLINGS.length)] ?? 0));
    const filling = `${random()}`.repeat(Math.ceil(length / 10)).slice(0, length);
    return spanWith({ name, attributes: { index, filling } });
  });
}

export function batchNameOf(items: readonly ReadableSpan[]): string {
  return items[0]?.name ?? '';
}

/** What is wrong with a batch that was read or has arrived. */
export function faultOf(items: readonly ReadableSpan[]): string | undefined {
  const name = batchNameOf(items);
  const told = (spans: readonly ReadableSpan[]) =>
    JSON.stringify(spans.map((span) => [span.name, span.attributes.index, span.attributes.filling]));
  return told(items) === told(spansOf(name)) ? undefined : `${name}: its bytes are not what was written`;
}

function hashOf(text: string): number {
  let hash = 0;
  for (const letter of text) hash = (Math.imul(hash, 31) + letter.charCodeAt(0)) | 0;
  return hash;
}
