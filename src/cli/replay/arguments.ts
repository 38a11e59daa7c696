import { parseArgs } from 'node:util';
import type { SignalName } from '../../model/signal.ts';
import { SIGNALS } from '../../otlp/signals.ts';
import { UsageError } from '../command.ts';

export const REPLAY_HELP = `spanflow replay FILE --to URL

Sends what is in a file of OTLP: lines of JSON, or protobuf behind its length, compressed or not, as the file exporter of the Collector writes it. The variables OTEL_EXPORTER_OTLP_* count (headers, certificates, timeout).

  --to URL             where to: http://localhost:4318 (the path of the signal is added), a whole URL, or host and port for grpc
  --rate N             spans, log records or data points a second, at most (default: as fast as the backend takes them)
  --signal NAME        traces (default), logs or metrics
  --protocol NAME      http/protobuf (default), http/json or grpc (needs npm install @grpc/grpc-js)
  --compression NAME   none (default), gzip or zstd (not over grpc)
  --header NAME=VALUE  a header, or metadata over grpc; as often as needed
  --quiet              no progress

Exit codes: 0 everything was delivered, 1 something was damaged, refused or lost, 2 the arguments are wrong, or there is no such file.
`;

const PROTOCOLS = ['http/protobuf', 'http/json', 'grpc'] as const;
const COMPRESSIONS = ['none', 'gzip', 'zstd'] as const;

export interface ReplayArguments {
  readonly file: string;
  readonly url: string;
  readonly itemsPerSecond: number | undefined;
  readonly signal: SignalName;
  readonly protocol: (typeof PROTOCOLS)[number];
  readonly compression: (typeof COMPRESSIONS)[number] | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly isQuiet: boolean;
}

export function replayArguments(args: readonly string[]): ReplayArguments {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      to: { type: 'string' },
      rate: { type: 'string' },
      signal: { type: 'string', default: 'traces' },
      protocol: { type: 'string', default: 'http/protobuf' },
      compression: { type: 'string' },
      header: { type: 'string', multiple: true, default: [] },
      quiet: { type: 'boolean', default: false },
    },
  });
  const [file, ...more] = positionals;
  if (file === undefined) throw new UsageError('replay needs a file: spanflow replay FILE --to URL');
  if (more.length > 0) throw new UsageError(`replay takes one file, and was given ${more[0]}, too`);
  if (values.to === undefined) throw new UsageError('replay needs --to URL, such as --to http://localhost:4318');
  const signal = oneOf('signal', values.signal, Object.keys(SIGNALS) as SignalName[]);
  const protocol = oneOf('protocol', values.protocol, PROTOCOLS);
  return {
    file,
    url: protocol === 'grpc' ? values.to : withPath(values.to, SIGNALS[signal].path),
    itemsPerSecond: values.rate === undefined ? undefined : rateOf(values.rate),
    signal,
    protocol,
    compression: values.compression === undefined ? undefined : oneOf('compression', values.compression, COMPRESSIONS),
    headers: Object.fromEntries(values.header.map(headerOf)),
    isQuiet: values.quiet,
  };
}

function oneOf<T extends string>(option: string, value: string, allowed: readonly T[]): T {
  const found = allowed.find((one) => one === value);
  if (found === undefined) throw new UsageError(`--${option} must be one of ${allowed.join(', ')}, and is ${value}`);
  return found;
}

/** As the specification has it for `OTEL_EXPORTER_OTLP_ENDPOINT`, but only where there is no path. */
function withPath(to: string, path: string): string {
  if (!URL.canParse(to)) throw new UsageError(`--to must be a URL, such as http://localhost:4318, and is ${to}`);
  const url = new URL(to);
  if (url.pathname === '/') url.pathname = path;
  return url.href;
}

function rateOf(text: string): number {
  const rate = Number(text.replaceAll('_', ''));
  if (!(rate >= 0.001)) throw new UsageError(`--rate must be a number of items a second from 0.001, and is ${text}`);
  return rate;
}

function headerOf(text: string): readonly [string, string] {
  const at = text.indexOf('=');
  if (at < 1) throw new UsageError('--header must be NAME=VALUE');
  return [text.slice(0, at).trim(), text.slice(at + 1).trim()];
}
