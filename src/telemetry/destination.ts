import { EnvironmentReader } from '../internal/environment.ts';
import { pick } from '../internal/pick.ts';
import { withoutUndefined } from '../internal/validation.ts';
import { InvalidOptionError } from '../model/errors.ts';
import type { SignalItems, SignalName } from '../model/signal.ts';
import type { Sink } from '../model/sink.ts';
import { signalOf, variablesOf } from '../otlp/signals.ts';
import type { OtlpGrpcOptions } from '../sinks/otlpGrpc/options.ts';
import { otlpGrpcOn, sharedChannels } from '../sinks/otlpGrpc/otlpGrpc.ts';
import { otlpHttpOn, sharedConnections } from '../sinks/otlpHttp/otlpHttp.ts';
import { type DestinationOptions, type OtlpProtocol, SINK_OPTIONS, type TelemetryOptions } from './options.ts';
import { OWNER } from './settings.ts';

const PROTOCOLS: readonly OtlpProtocol[] = ['http/protobuf', 'http/json', 'grpc'];

/** Makes the sinks of all signals, which share connections where they have one origin and the same settings for them. */
export class Destination {
  readonly #options: TelemetryOptions;
  readonly #connections = sharedConnections();
  readonly #channels = sharedChannels();

  constructor(options: TelemetryOptions) {
    this.#options = options;
  }

  /** @param own what the signal has of its own */
  sinkOf<S extends SignalName>(name: S, own: DestinationOptions): Sink<SignalItems[S]> {
    const { environment = process.env } = this.#options;
    const given = { ...this.#options, ...withoutUndefined(own) };
    const protocol = given.protocol ?? protocolOf(name, new EnvironmentReader(environment)) ?? 'http/protobuf';
    const options = withoutUndefined({ ...pick(given, SINK_OPTIONS), environment });
    // It refuses a `compression` that gRPC does not have.
    if (protocol === 'grpc') return otlpGrpcOn(this.#channels, { ...options, signal: name } as OtlpGrpcOptions<S>);
    const base = own.url === undefined ? this.#options.url : undefined;
    const url = base === undefined ? {} : { url: urlBelow(base, signalOf(name).path) };
    const encoding = protocol === 'http/json' ? 'json' : 'protobuf';
    return otlpHttpOn(this.#connections, { ...options, ...url, signal: name, encoding });
  }
}

function protocolOf(name: SignalName, environment: EnvironmentReader): OtlpProtocol | undefined {
  return environment.oneOf(PROTOCOLS, ...variablesOf(signalOf(name))('PROTOCOL'));
}

/** The endpoint of a signal below the base of all. */
function urlBelow(base: string | URL, path: string): URL {
  const url = URL.parse(String(base));
  if (url === null)
    throw new InvalidOptionError(`${OWNER}.url`, 'an http:// or https:// URL', 'a string that is no URL');
  if (/\/v1\/(traces|logs|metrics)\/?$/.test(url.pathname)) {
    const rule =
      'the base of the endpoints of all signals, without /v1/traces; the URL of one signal goes into its own options';
    throw new InvalidOptionError(`${OWNER}.url`, rule, `${url.origin}${url.pathname}`);
  }
  url.pathname = `${url.pathname.replace(/\/$/, '')}${path}`;
  return url;
}
