import type { DiagLogLevel } from '@opentelemetry/api';
import { apiRegistry } from '../../internal/apiRegistry.ts';

type Api = typeof import('@opentelemetry/api');

const LEVELS = ['NONE', 'ERROR', 'WARN', 'INFO', 'DEBUG', 'VERBOSE', 'ALL'] as const;

/** By the names of the configuration file, without the digit of `warn2`. */
const BY_SEVERITY: Readonly<Record<string, (typeof LEVELS)[number]>> = {
  ...{ trace: 'ALL', debug: 'DEBUG', info: 'INFO', warn: 'WARN', error: 'ERROR', fatal: 'NONE' },
};

/**
 * Shows OpenTelemetry's own messages on the console, from warnings on, unless a level is given. Why not from `info` on, as OpenTelemetry's own starter? The console would print these messages to the program's standard output.
 *
 * @param level of `OTEL_LOG_LEVEL`, or of the configuration file
 */
export function logToConsole({ diag, DiagConsoleLogger, DiagLogLevel: levels }: Api, level: string | undefined): void {
  if (apiRegistry().diag !== undefined) return;
  const name = level?.trim() ?? '';
  const known = LEVELS.find((each) => each === name.toUpperCase()) ?? BY_SEVERITY[name.replace(/\d$/, '')] ?? 'WARN';
  diag.setLogger(new DiagConsoleLogger(), { logLevel: levels[known] as DiagLogLevel, suppressOverrideMessage: true });
}
