import { otlpHttp, type Sink } from '../../src/index.ts';
import type { SignalItems, SignalName } from '../../src/model/signal.ts';
import { otlpFetch } from '../../src/sinks/otlpFetch/index.ts';
import { otlpGrpc } from '../../src/sinks/otlpGrpc/index.ts';
import type { Addresses } from './collector/collector.ts';

/** One way to send: a sink, an encoding, a compression. */
export interface Way {
  readonly name: string;
  readonly open: <S extends SignalName>(signal: S, addresses: Addresses) => Sink<SignalItems[S]>;
}

const ENCODINGS = ['protobuf', 'json'] as const;
/** Nothing is taken from the variables of whoever runs it. */
const environment = {};

export const WAYS: readonly Way[] = [
  ...ENCODINGS.flatMap((encoding) =>
    (['none', 'gzip', 'zstd'] as const).map((compression): Way => {
      const options = { encoding, compression, environment };
      const open: Way['open'] = (signal, { http }) => otlpHttp({ ...options, signal, url: `${http}/v1/${signal}` });
      return { name: `otlpHttp, ${encoding}, ${compression}`, open };
    }),
  ),
  ...(['none', 'gzip'] as const).map((compression): Way => {
    const open: Way['open'] = (signal, { grpc }) => otlpGrpc({ compression, environment, signal, url: grpc });
    return { name: `otlpGrpc, ${compression}`, open };
  }),
  ...ENCODINGS.flatMap((encoding) =>
    (['none', 'gzip'] as const).map((compression): Way => {
      const open: Way['open'] = (signal, { http }) =>
        otlpFetch({ encoding, compression, signal, url: `${http}/v1/${signal}` });
      return { name: `otlpFetch, ${encoding}, ${compression}`, open };
    }),
  ),
];
