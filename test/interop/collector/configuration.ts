import { join } from 'node:path';
import type { SignalName } from '../../../src/model/signal.ts';
import type { Configuration, Ports } from './collector.ts';

export const SIGNALS: readonly SignalName[] = ['traces', 'logs', 'metrics'];

/** Of a pipeline that takes OTLP. Each is one that a Collector has under this name. */
export interface Receiving {
  readonly ports: Ports;
  /** Further settings of the receiver's two protocols. */
  readonly http?: object;
  readonly grpc?: object;
  readonly signals?: readonly SignalName[];
  /** Refuses everything, as a Collector does that has no memory left. */
  readonly isOutOfMemory?: boolean;
}

/** A Collector that writes what it receives to files, one for each signal and format: see {@link fileOf}. */
export function toFiles(receiving: readonly Receiving[]): Configuration {
  return (folder) => {
    const receivers = receiving.map(({ ports, http, grpc }, index) => {
      const protocols = {
        http: { ...listeningOn(ports.http), ...http },
        grpc: { ...listeningOn(ports.grpc), ...grpc },
      };
      return [`otlp/${index}`, { protocols }];
    });
    const pipelines = receiving.flatMap(({ signals = SIGNALS, isOutOfMemory = false }, index) =>
      signals.map((signal) => {
        const exporters = FORMATS.map((format) => `file/${fileOf(signal, format)}`);
        const processors = isOutOfMemory ? ['memory_limiter'] : [];
        return [`${signal}/${index}`, { receivers: [`otlp/${index}`], processors, exporters }];
      }),
    );
    const exporters = SIGNALS.flatMap((signal) =>
      FORMATS.map((format) => {
        const file = fileOf(signal, format);
        return [`file/${file}`, { path: join(folder, file), format }];
      }),
    );
    return {
      receivers: Object.fromEntries(receivers),
      processors: { memory_limiter: { check_interval: '10ms', limit_mib: 1 } },
      exporters: Object.fromEntries(exporters),
      service: { telemetry: { metrics: { level: 'none' } }, pipelines: Object.fromEntries(pipelines) },
    };
  };
}

const FORMATS = ['json', 'proto'] as const;

/** `json`: a request in each line. `proto`: requests in protobuf, each behind its length in four bytes. */
export function fileOf(signal: SignalName, format: (typeof FORMATS)[number]): string {
  return `${signal}.${format}`;
}

function listeningOn(port: number): object {
  return { endpoint: `127.0.0.1:${port}` };
}
