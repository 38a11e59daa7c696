import { aPath, limit, oneOf, type Rules, settingsOf, whole } from '../../internal/validation.ts';
import type { SignalName } from '../../model/signal.ts';

/** The options of {@link toOtlpFile}. */
export interface ToOtlpFileOptions<S extends SignalName = 'traces'> {
  /** What the batches consist of: `traces` (the default), `logs` or `metrics`. */
  signal?: S;
  /** What a record is: `json` (the default), a line that people and tools can read, or `protobuf`, a third to a half of its size, behind four bytes of length. */
  encoding?: 'json' | 'protobuf';
  /** How each record is compressed: `none` (the default) or `zstd`. A file of compressed records is read by `zstd -d`. */
  compression?: 'none' | 'zstd';
  /** How large a file may become, in bytes: 1 or more, or `Infinity`, default 100 MiB. Before a record that does not fit, the file is renamed and a new one begun. A batch whose record alone is larger is sent in parts. */
  maxFileBytes?: number;
  /** How many renamed files are kept: 0 or more, default 100. The oldest are deleted. With `maxFileBytes` it bounds what is on the disk. */
  maxBackups?: number;
  /** How old a renamed file may become, in milliseconds, by the time in its name: 1 or more, or `Infinity` (the default). Older ones are deleted when a file is renamed. */
  maxBackupAgeMillis?: number;
}

export type ToOtlpFileSettings = Readonly<Required<ToOtlpFileOptions<SignalName>>>;

export const TO_OTLP_FILE_DEFAULTS: ToOtlpFileSettings = Object.freeze({
  signal: 'traces',
  encoding: 'json',
  compression: 'none',
  maxFileBytes: 100 * 1024 * 1024,
  maxBackups: 100,
  maxBackupAgeMillis: Number.POSITIVE_INFINITY,
});

const TO_OTLP_FILE_RULES: Rules<ToOtlpFileSettings> = {
  signal: oneOf('traces', 'logs', 'metrics'),
  encoding: oneOf('json', 'protobuf'),
  compression: oneOf('none', 'zstd'),
  maxFileBytes: limit(1),
  maxBackups: whole(0),
  maxBackupAgeMillis: limit(1),
};

export function toOtlpFileSettings(path: string | URL, options: ToOtlpFileOptions<SignalName>): ToOtlpFileSettings {
  return settingsOf('toOtlpFile', TO_OTLP_FILE_DEFAULTS, TO_OTLP_FILE_RULES, options, { path: [path, aPath] });
}
