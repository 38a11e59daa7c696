import { readFile } from 'node:fs/promises';
import { pick } from '../../internal/pick.ts';
import { aBoolean, aString, must, oneOf, withoutUndefined } from '../../internal/validation.ts';
import type { SignalItems, SignalName } from '../../model/signal.ts';
import type { Sink } from '../../model/sink.ts';
import { EXPORT_TO_RULES, type RetryOptions } from '../../operators/exportTo/options.ts';
import { SIGNAL_NAMES, signalOf } from '../../otlp/signals.ts';
import { otlpGrpcOn, type SharedChannels, sharedChannels } from '../../sinks/otlpGrpc/otlpGrpc.ts';
import { otlpHttpOn, type SharedConnections, sharedConnections } from '../../sinks/otlpHttp/otlpHttp.ts';
import type { RelayDestination } from '../options.ts';
import { type Checking, checkedElsewhere, checkedElsewhereAll } from './checking.ts';
import { isContent } from './fileName.ts';

const OWN_RULES = {
  url: aString,
  protocol: oneOf('http/protobuf', 'http/json', 'grpc'),
  signals: must(`an array of one or more of ${SIGNAL_NAMES.join(', ')}, each once`, areSignals),
  required: aBoolean,
  retry: checkedElsewhere,
};
const SINK_OPTIONS = ['headers', 'compression', 'timeoutMillis', 'tls'] as const;
const RETRY_OPTIONS = ['maxAttempts', 'maxElapsedMillis', 'maxRetryAfterMillis'];
const TLS_FILES = { ca: 'caFile', cert: 'certFile', key: 'keyFile' } as const;

/** One destination: a sink for each of its signals. */
export interface Destination {
  readonly sinks: { readonly [S in SignalName]?: Sink<SignalItems[S]> };
  /** What it says that it takes, also where its sinks could not be made. */
  readonly signals: readonly SignalName[];
  readonly isRequired: boolean;
  readonly retry: RetryOptions;
}

/** The destinations by their names. Those of one backend share connections. */
export function destinationsOf(value: unknown, path: string, checking: Checking): ReadonlyMap<string, Destination> {
  const given = typeof value === 'object' && value !== null ? Object.entries(value) : [];
  if (given.length === 0) {
    checking.add(path, 'an object of one or more destinations, by their names', value);
    return new Map();
  }
  const making = new SinkMaking(checking);
  const destinations = new Map(given.map(([name, one]) => [name, making.destination(one, `${path}.${name}`)]));
  for (const signal of SIGNAL_NAMES) {
    const those = [...destinations.values()].filter(({ signals }) => signals.includes(signal));
    if (those.length > 0 && !those.some(({ isRequired }) => isRequired))
      checking.tell(path, 'required somewhere', `must have a destination of ${signal} that is required`);
  }
  return destinations;
}

class SinkMaking {
  readonly #checking: Checking;
  readonly #connections: SharedConnections = sharedConnections();
  readonly #channels: SharedChannels = sharedChannels();

  constructor(checking: Checking) {
    this.#checking = checking;
  }

  destination(value: unknown, path: string): Destination {
    const checking = this.#checking;
    const given = checking.section(path, value, { ...OWN_RULES, ...checkedElsewhereAll(SINK_OPTIONS) });
    const { url, signals, required, retry } = given as Partial<RelayDestination>;
    if (url === undefined) checking.tell(`${path}.url`, 'given', 'must be given, such as https://backend.example');
    const checkedRetry = checking.section(`${path}.retry`, retry, checkedElsewhereAll(RETRY_OPTIONS));
    checking.rule(`${path}.retry`, checkedRetry, EXPORT_TO_RULES.retry);
    const isRight = areSignals(signals);
    const those = isRight ? (signals as readonly SignalName[]) : SIGNAL_NAMES;
    return {
      sinks: typeof url === 'string' ? this.#sinks(given as Partial<RelayDestination>, url, path, those) : {},
      signals: isRight || signals === undefined ? those : [],
      isRequired: required !== false,
      retry: checkedRetry,
    };
  }

  /** What is wrong with one is wrong with all, and told once. */
  #sinks(given: Partial<RelayDestination>, url: string, path: string, signals: readonly SignalName[]) {
    const sinks: Record<string, Sink<never>> = {};
    const tls = given.tls && tlsOf(given.tls, `${path}.tls`, this.#checking);
    const options = withoutUndefined({ ...pick(given, SINK_OPTIONS), tls, environment: environmentWithoutOtel() });
    const isGrpc = given.protocol === 'grpc';
    for (const signal of signals) {
      const sink = this.#checking.attempt(path, isGrpc ? 'otlpGrpc' : 'otlpHttp', () => {
        if (isGrpc) return otlpGrpcOn(this.#channels, { ...options, url, signal } as never);
        const encoding = given.protocol === 'http/json' ? 'json' : 'protobuf';
        const place = urlOf(url, signalOf(signal).path);
        return otlpHttpOn(this.#connections, { ...options, encoding, url: place, signal } as never);
      });
      if (sink === undefined) break;
      sinks[signal] = sink as Sink<never>;
    }
    return sinks as Destination['sinks'];
  }
}

function areSignals(value: unknown): boolean {
  const isOne = (name: unknown) => SIGNAL_NAMES.includes(name as SignalName);
  return Array.isArray(value) && value.length > 0 && value.every(isOne) && new Set(value).size === value.length;
}

/** What is no URL is left to whoever refuses it. */
function urlOf(url: string, path: string): string {
  const parsed = URL.parse(url);
  if (parsed === null) return url;
  parsed.pathname = `${parsed.pathname.replace(/\/$/, '')}${path}`;
  return parsed.href;
}

/** Those of proxies count. */
function environmentWithoutOtel(): Readonly<Record<string, string | undefined>> {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('OTEL_')));
}

function tlsOf(value: unknown, path: string, checking: Checking): (() => Promise<object>) | undefined {
  const given = checking.section(
    path,
    value,
    Object.fromEntries(Object.values(TLS_FILES).map((name) => [name, aString])),
  );
  const files = Object.entries(TLS_FILES).flatMap(([part, name]) =>
    given[name] === undefined || isContent(given[name], `${path}.${name}`, checking) ? [] : [[part, given[name]]],
  );
  if (files.length === 0) return undefined;
  return async () =>
    Object.fromEntries(await Promise.all(files.map(async ([part, file]) => [part, await readFile(file as string)])));
}
