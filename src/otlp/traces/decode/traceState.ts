import type { TraceState } from '@opentelemetry/api';

/** The `tracestate` of a received span. It serializes exactly as it was received. */
class ReceivedTraceState implements TraceState {
  readonly #serialized: string;

  constructor(serialized: string) {
    this.#serialized = serialized;
  }

  /** W3C Trace Context: a changed member moves to the front. */
  set(key: string, value: string): TraceState {
    const rest = this.#members().filter((member) => memberKey(member) !== key);
    return new ReceivedTraceState([`${key}=${value}`, ...rest].join(','));
  }

  unset(key: string): TraceState {
    return new ReceivedTraceState(
      this.#members()
        .filter((member) => memberKey(member) !== key)
        .join(','),
    );
  }

  get(key: string): string | undefined {
    const member = this.#members().find((candidate) => memberKey(candidate) === key);
    return member?.slice(key.length + 1);
  }

  serialize(): string {
    return this.#serialized;
  }

  #members(): string[] {
    return this.#serialized
      .split(',')
      .map((member) => member.trim())
      .filter((member) => member !== '');
  }
}

function memberKey(member: string): string {
  const equals = member.indexOf('=');
  return equals < 0 ? member : member.slice(0, equals);
}

export function traceStateOf(serialized: string): TraceState {
  return new ReceivedTraceState(serialized);
}
