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
    return {
      receivers: Object.fromEntries(receivers),
      processors: { memory_limiter: { check_interval: '10ms', limit_mib: 1 } },
      exporters: fileExporters(folder),
      service: { telemetry: { metrics: { level: 'none' } }, pipelines: Object.fromEntries(pipelines) },
    };
  };
}

function fileExporters(folder: string): object {
  const exporters = SIGNALS.flatMap((signal) =>
    FORMATS.map((format) => {
      const file = fileOf(signal, format);
      return [`file/${file}`, { path: join(folder, file), format }];
    }),
  );
  return Object.fromEntries(exporters);
}

/** How a Collector reads topics, or writes them. */
export interface Topics {
  readonly broker: string;
  readonly topics: Readonly<Record<SignalName, string>>;
  readonly encoding: 'otlp_proto' | 'otlp_json';
}

/** A Collector that writes what it reads from topics to files, as {@link toFiles} does. It commits what it has written. */
export function fromTopics({ broker, topics, encoding }: Topics, groupId: string): Configuration {
  return (folder) => {
    const signals = SIGNALS.map((signal) => [signal, { topics: [topics[signal]], encoding }]);
    const kafka = {
      ...{ brokers: [broker], group_id: groupId, initial_offset: 'earliest', ...Object.fromEntries(signals) },
      ...{ message_marking: { after: true }, autocommit: { enable: true, interval: '100ms' } },
    };
    const pipelines = SIGNALS.map((signal) => {
      const exporters = FORMATS.map((format) => `file/${fileOf(signal, format)}`);
      return [signal, { receivers: ['kafka'], exporters }];
    });
    return {
      receivers: { kafka },
      exporters: fileExporters(folder),
      service: { telemetry: { metrics: { level: 'none' } }, pipelines: Object.fromEntries(pipelines) },
    };
  };
}

/** A Collector that writes what it receives to topics: traces with their ids as keys, and the other signals without keys. */
export function toTopics({ broker, topics, encoding }: Topics, ports: Ports): Configuration {
  return () => {
    const signals = SIGNALS.map((signal) => [signal, { topic: topics[signal], encoding }]);
    const kafka = {
      ...{ brokers: [broker], partition_traces_by_id: true, ...Object.fromEntries(signals) },
      ...{ sending_queue: { enabled: false }, producer: { required_acks: -1 } },
    };
    const pipelines = SIGNALS.map((signal) => [signal, { receivers: ['otlp'], exporters: ['kafka'] }]);
    return {
      receivers: { otlp: { protocols: { http: listeningOn(ports.http), grpc: listeningOn(ports.grpc) } } },
      exporters: { kafka },
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
