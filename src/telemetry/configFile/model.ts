import type { ConfigurationModel } from '@opentelemetry/configuration';

export type { ConfigurationModel } from '@opentelemetry/configuration';

export type Package = typeof import('@opentelemetry/configuration');

export type TracerNode = NonNullable<ConfigurationModel['tracer_provider']>;
export type LoggerNode = NonNullable<ConfigurationModel['logger_provider']>;
export type MeterNode = NonNullable<ConfigurationModel['meter_provider']>;

/** Hears of what a file says and is not set up: the path of the node, and why. */
export type OnIgnored = (path: string, why: string) => void;

/** A value of the file, which may be `null` where it is left out. */
export function given<V>(value: V | null | undefined): V | undefined {
  return value ?? undefined;
}

/** A time limit of the file, in milliseconds; 0 means no limit. */
export function limitMillis(value: number | null | undefined): number | undefined {
  return value === 0 ? Number.POSITIVE_INFINITY : given(value);
}

/** Tells of what a node has besides what is read of it. */
export function tellRest(node: object, known: readonly string[], path: string, onIgnored: OnIgnored): void {
  for (const [name, value] of Object.entries(node)) {
    if (value !== undefined && !known.includes(name)) onIgnored(`${path}.${name}`, 'it is not known to spanflow');
  }
}

/** Of a list of alternatives, each an object with one name: the first that is known. The others are told. */
export function firstKnown<N extends object>(
  list: readonly N[],
  known: readonly string[],
  path: string,
  onIgnored: OnIgnored,
) {
  let found: { readonly name: string; readonly node: NonNullable<N[keyof N]>; readonly path: string } | undefined;
  for (const [index, item] of list.entries()) {
    const [name = '', node] = Object.entries(item)[0] ?? [];
    const where = `${path}[${index}].${name}`;
    if (!known.includes(name)) onIgnored(where, 'spanflow has nothing of that name');
    else if (found !== undefined) onIgnored(where, 'spanflow makes one pipeline for each signal');
    else found = { name, node: node ?? {}, path: where };
  }
  return found;
}
