/**
 * Files of OTLP, as the file exporter of the OpenTelemetry Collector writes them: a sink and an input.
 *
 * @module spanflow/files
 */

import './internal/requireNode.ts';

export { fromOtlpFile, type OtlpFile } from './inputs/fromOtlpFile/fromOtlpFile.ts';
export type { FileProgress, FromOtlpFileOptions } from './inputs/fromOtlpFile/options.ts';
export type { SignalItems, SignalName } from './model/signal.ts';
export type { ToOtlpFileOptions } from './sinks/toOtlpFile/options.ts';
export { toOtlpFile } from './sinks/toOtlpFile/toOtlpFile.ts';
