import type { EnvironmentReader } from '../../../internal/environment.ts';
import type { NamedVariables } from '../../../otlp/signals.ts';
import type { Compression } from '../http/contentCoding.ts';

/** What the variables say of requests over HTTP; `undefined` where they say nothing. */
export function encodingOf(environment: EnvironmentReader, named: NamedVariables): 'protobuf' | 'json' | undefined {
  const protocol = environment.oneOf(['http/protobuf', 'http/json'], ...named('PROTOCOL'));
  if (protocol === undefined) return undefined;
  return protocol === 'http/json' ? 'json' : 'protobuf';
}

/** @param possible what the sink can do */
export function compressionOf(
  possible: readonly Compression[],
  environment: EnvironmentReader,
  named: NamedVariables,
): Compression | undefined {
  return environment.oneOf(possible, ...named('COMPRESSION'));
}

export function timeoutOf(environment: EnvironmentReader, named: NamedVariables): number | undefined {
  return environment.timeoutMillis(...named('TIMEOUT'));
}
