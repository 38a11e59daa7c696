import type { Attributes, MeterProvider, UpDownCounter } from '@opentelemetry/api';
import type { Account } from '../ledger/account.ts';
import { ATTRIBUTE } from './conventions.ts';

/** How many components of each type have metrics, by the provider: within it a name is unique. */
const numbers = new WeakMap<MeterProvider, Map<string, number>>();

/** A counter that is told totals, each with the attributes of one component: it adds what has changed since the last time. */
export class Totals {
  readonly #counter: Pick<UpDownCounter, 'add'>;
  readonly #attributes: Attributes;
  readonly #told = new Map<string | undefined, number>(); // by `error.type`

  constructor(counter: Pick<UpDownCounter, 'add'>, attributes: Attributes) {
    this.#counter = counter;
    this.#attributes = attributes;
  }

  tell(total: number, errorType?: string): void {
    const before = this.#told.get(errorType);
    if (total === before) return;
    this.#told.set(errorType, total);
    this.#counter.add(total - (before ?? 0), failedBy(errorType, this.#attributes));
  }
}

/** The attributes of what has failed for this reason, if it has. */
export function failedBy(errorType: string | undefined, attributes: Attributes): Attributes {
  return errorType === undefined ? attributes : { ...attributes, [ATTRIBUTE.errorType]: errorType };
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
