import type { Entry } from './entry.ts';

const MAX_SHOWN_CHARACTERS = 200;

/** The first thing in which what was received is not what was sent, or `undefined`. Their order does not count: batches may overtake each other. */
export function firstDifference(sent: readonly Entry[], received: readonly Entry[]): string | undefined {
  const arrived = Map.groupBy(received, ({ key }) => key);
  const known = new Set(sent.map(({ key }) => key));
  if (known.size !== sent.length) throw new Error('two items that are sent must not have one key');
  const stranger = received.find(({ key }) => !known.has(key));
  for (const { key, content } of sent) {
    const [found, ...more] = arrived.get(key) ?? [];
    if (found === undefined) return `${key} has not arrived${stranger ? `, but ${stranger.key} has` : ''}`;
    if (more.length > 0) return `${key} has arrived ${more.length + 1} times`;
    const difference = differenceIn('', content, found.content);
    if (difference !== undefined) return `${key}: ${difference}`;
  }
  return stranger && `${stranger.key} has arrived, and was not sent`;
}

function differenceIn(path: string, sent: unknown, received: unknown): string | undefined {
  if (Object.is(sent, received)) return undefined;
  if (!isBranch(sent) || !isBranch(received) || Array.isArray(sent) !== Array.isArray(received))
    return `${path} was sent as ${shown(sent)} and received as ${shown(received)}`;
  for (const name of new Set([...Object.keys(sent), ...Object.keys(received)])) {
    const inner = Array.isArray(sent) ? `${path}[${name}]` : `${path}${path && '.'}${name}`;
    const difference = differenceIn(inner, sent[name], received[name]);
    if (difference !== undefined) return difference;
  }
  return undefined;
}

function isBranch(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function shown(value: unknown): string {
  if (value === undefined) return 'nothing';
  const text = Object.is(value, -0) ? '-0' : JSON.stringify(value);
  return text.length > MAX_SHOWN_CHARACTERS ? `${text.slice(0, MAX_SHOWN_CHARACTERS)}…` : text;
}
