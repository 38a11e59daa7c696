import { warn } from '../../../internal/tracingSuppression.ts';

type OtlpSink = 'otlpHttp' | 'otlpFetch' | 'otlpGrpc';

/** On which ports OTLP listens by default, and what to use there. */
const USUAL: Readonly<Record<string, readonly [protocol: 'gRPC' | 'HTTP', sink: string]>> = {
  '4317': ['gRPC', 'otlpGrpc of spanflow/grpc'],
  '4318': ['HTTP', 'otlpHttp'],
};

/** Warns of an endpoint on the port that the other protocol uses by default. It may be right nevertheless. */
export function warnOfUsualPort(sink: OtlpSink, { host, port }: URL): void {
  const hint = hintOfPort(sink, port);
  if (hint !== '') warn(`spanflow: ${sink} is to send to ${host}${hint}`);
}

/** What to say of a failure at that port; empty for any other one. */
export function hintOfPort(sink: OtlpSink, port: string): string {
  const spoken = sink === 'otlpGrpc' ? 'gRPC' : 'HTTP';
  const [protocol, other = ''] = USUAL[port] ?? [];
  if (protocol === undefined || protocol === spoken) return '';
  const [own] = Object.entries(USUAL).find(([, [of]]) => of === spoken) ?? [];
  return `: port ${port} is usually OTLP over ${protocol}; use ${other}, or port ${own}`;
}
