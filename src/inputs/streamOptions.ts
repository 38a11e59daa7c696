import { aGate, createGate, type Gate } from '../flow/gate.ts';
import { type Arguments, oneOf, type Rules, settingsOf, shape } from '../internal/validation.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { STAGE_RULES } from '../ledger/stageReporter.ts';

/** For the inputs that read a stream: `fromReadable`, `fromReadableStream`. */
export interface StreamInputOptions {
  /** Nothing is read while it is closed. Give the same one to `adaptiveBatch({ gate })`. Default: one that stays open. */
  gate?: Gate;
  /** What the stage is called in losses and statistics. Default: the name of the function. */
  name?: string;
  /** Counts what comes and what becomes of it. Default: that of the run ({@link runPipeline}), or else one of its own, which is not shown anywhere. */
  ledger?: Ledger;
}

type StreamInputSettings = { [K in keyof Required<StreamInputOptions>]: StreamInputOptions[K] } & { gate: Gate };

const { name, ledger } = STAGE_RULES;
const STREAM_INPUT_RULES: Rules<StreamInputOptions> = { gate: aGate, name, ledger };

export function streamInputSettings(
  stage: string,
  options: StreamInputOptions,
  source: Arguments,
): StreamInputSettings {
  const defaults = { gate: createGate() };
  return settingsOf<StreamInputSettings>(stage, defaults, STREAM_INPUT_RULES, options, source);
}

/** For the streams that are written to: `toWritable`, `toWritableStream`. */
export interface StreamWriterOptions {
  /**
   * What the end of the stream means for the channel. `close` (the default) closes it, with the stream's error if it failed. `keepOpen` leaves it open, for a channel that several streams write into.
   */
  atEnd?: 'close' | 'keepOpen';
}

export const STREAM_WRITER_DEFAULTS: Readonly<Required<StreamWriterOptions>> = Object.freeze({ atEnd: 'close' });

const STREAM_WRITER_RULES: Rules<StreamWriterOptions> = { atEnd: oneOf('close', 'keepOpen') };

const aChannel = shape('a channel of channel()', 'send', 'close');

export function streamWriterSettings(
  stage: string,
  channel: unknown,
  options: StreamWriterOptions,
): Required<StreamWriterOptions> {
  return settingsOf(stage, STREAM_WRITER_DEFAULTS, STREAM_WRITER_RULES, options, { channel: [channel, aChannel] });
}
