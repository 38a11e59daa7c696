import { parseArgs } from 'node:util';
import type { RelayConfig } from '../../relay/options.ts';
import { UsageError } from '../command.ts';

export const RELAY_HELP = `spanflow relay --to URL
spanflow relay --config FILE
spanflow relay --module FILE

Takes OTLP in, processes it, and sends it on. node_modules/spanflow/src/relay/README.md has the whole configuration.
In services, start node node_modules/spanflow/dist/cli/spanflow.js relay: npx does not pass SIGTERM on.

  --to URL                   the one backend: http://localhost:4318 (the path of each signal is added)
  --config FILE              what to do, as YAML (needs npm install yaml) or JSON (*.json); read again when it changes, and at SIGHUP
  --module FILE              a module whose default export is given { traces$, logs$, metrics$, flush$ } and returns the outcomes of exportTo

  --http HOST:PORT           where OTLP/HTTP comes in (default: 127.0.0.1:4318, unless --grpc is given)
  --grpc HOST:PORT           where OTLP/gRPC comes in (needs npm install @grpc/grpc-js; default: nowhere)
  --acknowledge WHEN         accepted (default): a request is answered when it is in the queue; delivered: when the backend has it
  --admin HOST:PORT          where /livez, /readyz, /metrics and /stats are (default: nowhere)
  --workers N                processes that share the ports (default: 1); a sender that keeps one connection stays with one of them
  --shutdown-timeout SECONDS how long SIGTERM and SIGINT drain (default: 10); a second one ends it at once

Exit codes: 0 nothing was lost while it drained, 1 something was, or it failed, 2 the arguments or the configuration are wrong.
`;

/** Where the way of the telemetry is said. */
export type RelaySource =
  | { readonly kind: 'to'; readonly url: string }
  | { readonly kind: 'config' | 'module'; readonly file: string };

export interface RelayArguments {
  readonly source: RelaySource;
  readonly workers: number;
  /** The flags over what a file says. */
  over(config: RelayConfig): RelayConfig;
}

export function relayArguments(args: readonly string[]): RelayArguments {
  const { values } = parseArgs({
    args: [...args],
    options: {
      to: { type: 'string' },
      config: { type: 'string' },
      module: { type: 'string' },
      http: { type: 'string' },
      grpc: { type: 'string' },
      acknowledge: { type: 'string' },
      admin: { type: 'string' },
      workers: { type: 'string', default: '1' },
      'shutdown-timeout': { type: 'string' },
    },
  });
  const { http, grpc, acknowledge, admin } = values;
  const [ofHttp, ofGrpc, ofAdmin] = [placeOf('http', http), placeOf('grpc', grpc), placeOf('admin', admin)];
  const shutdownTimeoutMillis = millisOf(values['shutdown-timeout']);
  return {
    source: sourceOf(values),
    workers: workersOf(values.workers),
    over: (config) => {
      const { receive = {} } = config;
      const received = {
        ...receive,
        ...(ofHttp && { http: { ...receive.http, ...ofHttp } }),
        ...(ofGrpc && { grpc: { ...receive.grpc, ...ofGrpc } }),
        ...(acknowledge !== undefined && { acknowledge: acknowledge as 'accepted' | 'delivered' }),
      };
      return {
        ...config,
        ...(Object.keys(received).length > 0 && { receive: received }),
        ...(ofAdmin && { admin: { ...config.admin, ...ofAdmin } }),
        ...(shutdownTimeoutMillis !== undefined && { shutdownTimeoutMillis }),
      };
    },
  };
}

function sourceOf({ to, config, module }: Readonly<Partial<Record<'to' | 'config' | 'module', string>>>): RelaySource {
  const sources: (RelaySource | undefined)[] = [
    to === undefined ? undefined : { kind: 'to', url: to },
    config === undefined ? undefined : { kind: 'config', file: config },
    module === undefined ? undefined : { kind: 'module', file: module },
  ];
  const [source, ...others] = sources.filter((one) => one !== undefined);
  if (source === undefined) throw new UsageError('relay needs --to URL, --config FILE or --module FILE');
  if (others.length > 0) throw new UsageError('relay takes one of --to, --config and --module');
  return source;
}

function placeOf(
  flag: string,
  text: string | undefined,
): { readonly host?: string; readonly port: number } | undefined {
  if (text === undefined) return undefined;
  const [, host, port] = /^(?:(.+):)?(\d{1,5})$/.exec(text) ?? [];
  if (port === undefined) throw new UsageError(`--${flag} must be HOST:PORT, such as 127.0.0.1:4318, and is ${text}`);
  return { ...(host !== undefined && { host: host.replace(/^\[(.*)\]$/, '$1') }), port: Number(port) };
}

function workersOf(text: string): number {
  const workers = Number(text);
  if (!Number.isInteger(workers) || workers < 1 || workers > 1_024)
    throw new UsageError(`--workers must be a whole number from 1 to 1024, and is ${text}`);
  return workers;
}

function millisOf(seconds: string | undefined): number | undefined {
  if (seconds === undefined) return undefined;
  const millis = Math.round(Number(seconds) * 1_000);
  if (!(millis >= 1)) throw new UsageError(`--shutdown-timeout must be a number of seconds above 0, and is ${seconds}`);
  return millis;
}
