import type { Listening } from '../listening.ts';
import type { GrpcSettings } from '../options.ts';
import type { Reception } from '../reception.ts';

/** The server for OTLP/gRPC. */
export class GrpcReceiver {
  readonly answers: Record<string, number> = {};
  readonly connections = 0;
  constructor(_settings: GrpcSettings, _reception: Reception) {}
  async listen(): Promise<Listening> {
    throw new Error('not yet');
  }
  stop(): void {}
  close(): void {}
}
