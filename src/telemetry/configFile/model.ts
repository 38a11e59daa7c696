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

/** A node that has one name out of several, such as `batch`. */
export interface NamedNode<N> {
  readonly name: string;
  readonly node: NonNullable<N[keyof N]>;
  readonly path: string;
}

/** What a node is, by its one name, if that is known. Else it is told. */
export function named<N extends object>(
  item: N,
  known: readonly string[],
  path: string,
  onIgnored: OnIgnored,
): NamedNode<N> | undefined {
  const [name = '', node] = Object.entries(item)[0] ?? [];
  if (known.includes(name)) return { name, node: node ?? {}, path: `${path}.${name}` };
  onIgnored(`${path}.${name}`, 'spanflow has nothing of that name');
  return undefined;
}

/** The first of a list that is known. The others are told. */
export function firstKnown<N extends object>(
  list: readonly N[],
  known: readonly string[],
  path: string,
  onIgnored: OnIgnored,
): NamedNode<N> | undefined {
  const nodes = list.flatMap((item, index) => named(item, known, `${path}[${index}]`, onIgnored) ?? []);
  const [first, ...others] = nodes;
  for (const other of others) onIgnored(other.path, 'spanflow makes one pipeline for each signal');
  return first;
}
