import type { Attributes, Counter, MeterProvider } from '@opentelemetry/api';
import type { Account } from '../ledger/account.ts';
import { ATTRIBUTE } from './conventions.ts';
import type { CountsByError } from './counts.ts';

/** How many components of each type have metrics, by the provider: within it a name is unique. */
const numbers = new WeakMap<MeterProvider, Map<string, number>>();

/** A processor or an exporter, by its attributes, and what its counter has been told. */
export class Component {
  readonly attributes: Attributes;
  readonly #counter: Counter;
  readonly #told = new Map<string | undefined, number>();

  constructor(counter: Counter, attributes: Attributes) {
    this.#counter = counter;
    this.attributes = attributes;
  }

  /** Tells the counter what has been counted since the last time. */
  tell(counts: CountsByError): void {
    for (const [errorType, count] of counts) {
      const more = count - (this.#told.get(errorType) ?? 0);
      if (more <= 0) continue;
      this.#told.set(errorType, count);
      this.#counter.add(more, this.failedBy(errorType));
    }
  }

  /** The attributes of what has failed for this reason, if it has. */
  failedBy(errorType: string | undefined): Attributes {
    return errorType === undefined ? this.attributes : { ...this.attributes, [ATTRIBUTE.errorType]: errorType };
  }
}

/** The attributes that name a component: `batching_span_processor/0`, and behind a fan-out `batching_span_processor/0/main`. */
export function named(meterProvider: MeterProvider, type: string, route: string | undefined): Attributes {
  const byType = numbers.get(meterProvider) ?? new Map<string, number>();
  const number = byType.get(type) ?? 0;
  numbers.set(meterProvider, byType);
  byType.set(type, number + 1);
  const name = `${type}/${number}`;
  return {
    [ATTRIBUTE.componentType]: type,
    [ATTRIBUTE.componentName]: route === undefined ? name : `${name}/${route}`,
  };
}

/** The attributes of the exporter that a stage is. */
export function attributesOfExporter(meterProvider: MeterProvider, { sink, place }: Account): Attributes {
  const { type = sink?.name ?? '', serverAddress, serverPort } = sink?.component ?? {};
  return {
    ...named(meterProvider, type, place.route),
    ...(serverAddress !== undefined && { [ATTRIBUTE.serverAddress]: serverAddress }),
    ...(serverPort !== undefined && { [ATTRIBUTE.serverPort]: serverPort }),
  };
}
