import type { NodeSDKConfiguration } from '@opentelemetry/sdk-node';
import { expectTypeOf, test } from 'vitest';
import type { Stats } from '../../src/index.ts';
import { type Telemetry, type TelemetryOptions, type TelemetrySdk, telemetry } from '../../src/telemetry/index.ts';

test('the installed NodeSDK takes what telemetry() has for it', () => {
  expectTypeOf<TelemetrySdk>().toExtend<Partial<NodeSDKConfiguration>>();
  // Each name is one of its own: another one would be ignored.
  expectTypeOf<keyof TelemetrySdk>().toExtend<keyof NodeSDKConfiguration>();
});

test('statistics are by signal, and a signal may be off', () => {
  expectTypeOf<ReturnType<Telemetry['stats']>['traces']>().toEqualTypeOf<Stats | undefined>();
});

test('options are those of the destination, the life cycle and each signal', () => {
  expectTypeOf(telemetry).parameter(0).toEqualTypeOf<TelemetryOptions | undefined>();
  // @ts-expect-error: `sinks` would need a destination for each
  const sinks: TelemetryOptions = { signals: { traces: { sinks: {} } } };
  // @ts-expect-error: it is `compression`
  const misspelt: TelemetryOptions = { compresion: 'gzip' };
  // @ts-expect-error: of metrics only
  const other: TelemetryOptions = { signals: { traces: { exportIntervalMillis: 5 } } };
  expectTypeOf([sinks, misspelt, other]).toExtend<TelemetryOptions[]>();
});
