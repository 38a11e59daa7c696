import type { Abilities } from './made.ts';

/** A program of another language that makes the telemetry of `made.ts` with its SDK. */
export interface Sender {
  readonly name: string;
  readonly abilities: Abilities;
  readonly protocols: readonly SenderProtocol[];
  /**
   * What runs it: a command and its arguments. Builds it, unless it has been built before.
   *
   * @throws NoSender where its toolchain or its packages are missing
   */
  readonly ready: () => Promise<readonly [command: string, ...args: string[]]>;
}

/** As `OTEL_EXPORTER_OTLP_PROTOCOL` names them. */
export type SenderProtocol = 'http/protobuf' | 'http/json' | 'grpc';

export const COMPRESSIONS = ['none', 'gzip'] as const;
export type Compression = (typeof COMPRESSIONS)[number];

/** Why a sender cannot be had here: that is no failure of what is tested. */
export class NoSender extends Error {}
