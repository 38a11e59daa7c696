import { SpanflowError } from '../../model/errors.ts';
import type { SignalName } from '../../model/signal.ts';
import type { ViewOptions } from '../../otlp/decode/viewRequest.ts';
import type { DecodeOptions } from '../../otlp/protobuf/decodeLimits.ts';
import { RECEIVED } from './signals.ts';
import { internal, malformed, tooLarge, type Verdict } from './verdict.ts';

/** In which way a request is written. */
export type Format = 'protobuf' | 'json';

/** The items of a request that has come as a whole, or why it is refused. */
export function readRequest(
  signal: SignalName,
  format: Format,
  body: Uint8Array,
  options: { readonly protobuf?: ViewOptions; readonly json?: DecodeOptions },
): unknown[] | Verdict {
  try {
    return RECEIVED[signal][format](body, options[format] ?? {});
  } catch (thrown) {
    if (!(thrown instanceof SpanflowError)) return internal('the request could not be read');
    return thrown.code === 'MESSAGE_TOO_LARGE' ? tooLarge(thrown.message) : malformed(thrown.message);
  }
}
