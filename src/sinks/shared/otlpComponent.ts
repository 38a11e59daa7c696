import type { SignalName } from '../../model/signal.ts';
import type { SinkComponent } from '../../model/sink.ts';

const EXPORTERS: Readonly<Record<SignalName, string>> = Object.freeze({
  traces: 'span_exporter',
  logs: 'log_exporter',
  metrics: 'metric_exporter',
});

/** A sink that speaks OTLP, as OpenTelemetry's conventions name it. */
export function otlpComponent(
  transport: 'otlp_http' | 'otlp_http_json' | 'otlp_grpc',
  signal: SignalName,
  server: Pick<SinkComponent, 'serverAddress' | 'serverPort'>,
): SinkComponent {
  return { type: `${transport}_${EXPORTERS[signal]}`, signal, ...server };
}

/** The server that a URL names. */
export function serverOf({ protocol, hostname, port }: URL): Pick<SinkComponent, 'serverAddress' | 'serverPort'> {
  const usualPort = protocol === 'https:' ? 443 : 80;
  return { serverAddress: hostname.replace(/^\[(.*)\]$/, '$1'), serverPort: Number(port || usualPort) };
}
