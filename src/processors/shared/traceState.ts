import type { TraceState } from '@opentelemetry/api';

/** A `tracestate` of our own making, for spans that came without one. */
class Members implements TraceState {
  readonly #members: ReadonlyMap<string, string>;

  constructor(members: ReadonlyMap<string, string>) {
    this.#members = members;
  }

  get(key: string): string | undefined {
    return this.#members.get(key);
  }

  /** W3C Trace Context: a changed member moves to the front. */
  set(key: string, value: string): TraceState {
    return new Members(new Map([[key, value], ...this.#without(key)]));
  }

  unset(key: string): TraceState {
    return new Members(new Map(this.#without(key)));
  }

  serialize(): string {
    return [...this.#members].map(([key, value]) => `${key}=${value}`).join(',');
  }

  #without(key: string): [string, string][] {
    return [...this.#members].filter(([member]) => member !== key);
  }
}

const EMPTY = new Members(new Map());

/** The `tracestate` with this `ot` entry, or without one. */
export function withEntry(state: TraceState | undefined, entry: string | undefined): TraceState {
  const before = state ?? EMPTY;
  return entry === undefined ? before.unset('ot') : before.set('ot', entry);
}
