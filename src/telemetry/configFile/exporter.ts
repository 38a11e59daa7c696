import type { OtlpGrpcExporterConfigModel, OtlpHttpExporterConfigModel } from '@opentelemetry/configuration';
import { withoutUndefined } from '../../internal/validation.ts';
import { toConsole } from '../../sinks/toConsole/toConsole.ts';
import type { DestinationOptions, SignalDestination } from '../options.ts';
import { given, limitMillis, named, type OnIgnored, type Package, tellRest } from './model.ts';

type Http = NonNullable<OtlpHttpExporterConfigModel>;
type Grpc = NonNullable<OtlpGrpcExporterConfigModel>;
type Tls = { ca_file?: string | null; cert_file?: string | null; key_file?: string | null };

const EXPORTERS = ['otlp_http', 'otlp_grpc', 'console'];
const COMMON = ['endpoint', 'tls', 'headers', 'headers_list', 'compression', 'timeout'];
/** Of metrics: what the pipeline reads. */
const OF_METRICS = ['temporality_preference', 'default_histogram_aggregation'];

/** Reads the nodes of exporters. */
export class ExporterNodes {
  readonly #package: Package;
  readonly #onIgnored: OnIgnored;
  /** One object for the same files, so that signals share connections. */
  readonly #tls = new Map<string, NonNullable<DestinationOptions['tls']>>();

  constructor(configuration: Package, onIgnored: OnIgnored) {
    this.#package = configuration;
    this.#onIgnored = onIgnored;
  }

  /** The destination that a node describes; `undefined` if spanflow has none of that kind. */
  destinationOf<T>(exporter: object, path: string): SignalDestination<T> | undefined {
    const found = named(exporter, EXPORTERS, path, this.#onIgnored);
    if (found === undefined) return undefined;
    if (found.name === 'console') return { sink: toConsole<T>() };
    return found.name === 'otlp_http' ? this.#http(found.node, found.path) : this.#grpc(found.node, found.path);
  }

  #http(node: Http, path: string): DestinationOptions {
    tellRest(node, [...COMMON, 'encoding', ...OF_METRICS], path, this.#onIgnored);
    return { ...this.#common(node), protocol: node.encoding === 'json' ? 'http/json' : 'http/protobuf' };
  }

  #grpc(node: Grpc, path: string): DestinationOptions {
    tellRest(node, [...COMMON, ...OF_METRICS], path, this.#onIgnored);
    const { endpoint } = node;
    const hasScheme = endpoint == null || /^(https?|unix|dns):/i.test(endpoint);
    const url = hasScheme ? {} : { url: `${node.tls?.insecure === true ? 'http' : 'https'}://${endpoint}` };
    return { ...this.#common(node), ...url, protocol: 'grpc' };
  }

  #common(node: Http | Grpc): DestinationOptions {
    const headers = this.#package.mergeHeadersConfig(node.headers, node.headers_list);
    const compression = given(node.compression) as DestinationOptions['compression'];
    const timeoutMillis = limitMillis(node.timeout);
    const tls = node.tls ? this.#tlsOf(node.tls) : undefined;
    return withoutUndefined({
      url: given(node.endpoint),
      headers,
      compression,
      timeoutMillis,
      tls,
    }) as DestinationOptions;
  }

  /** The files are read again for each new connection, since certificates are renewed in place. */
  #tlsOf({ ca_file, cert_file, key_file }: Tls): DestinationOptions['tls'] {
    const paths = Object.entries({ ca: ca_file, cert: cert_file, key: key_file }).filter(([, path]) => path != null);
    if (paths.length === 0) return undefined;
    const name = JSON.stringify(paths);
    const { readFile } = process.getBuiltinModule('node:fs').promises;
    const read = async () =>
      Object.fromEntries(await Promise.all(paths.map(async ([part, path]) => [part, await readFile(path as string)])));
    const tls = this.#tls.get(name) ?? read;
    this.#tls.set(name, tls);
    return tls;
  }
}
