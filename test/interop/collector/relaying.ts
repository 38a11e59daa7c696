import { readFileSync } from 'node:fs';
import type { Configuration } from './collector.ts';

/** A Collector that takes spans over OTLP/HTTP and sends them on by OTLP/HTTP in batches: with the defaults of its parts, and without compression. */
export function relaying(port: number, backend: string): Configuration {
  return () => ({
    receivers: { otlp: { protocols: { http: { endpoint: `127.0.0.1:${port}` } } } },
    processors: { batch: {} },
    exporters: { otlp_http: { traces_endpoint: backend, compression: 'none' } },
    service: {
      telemetry: { metrics: { level: 'none' } },
      pipelines: { traces: { receivers: ['otlp'], processors: ['batch'], exporters: ['otlp_http'] } },
    },
  });
}

/** Clock ticks a second, as Linux counts for programs, whatever its own. */
const TICKS_PER_SECOND = 100;

/** The CPU time that a process has used so far. Linux alone has it in a file. */
export function cpuMicrosOf(id: number): number {
  const stat = readFileSync(`/proc/${id}/stat`, 'latin1');
  // The name comes first, in brackets; user time and system time are the fields 14 and 15 of all.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return ((Number(fields[11]) + Number(fields[12])) * 1e6) / TICKS_PER_SECOND;
}
