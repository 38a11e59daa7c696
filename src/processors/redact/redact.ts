import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import type { MonoTypeOperatorFunction } from 'rxjs';
import { settingsOf } from '../../internal/validation.ts';
import type { StageReporter } from '../../ledger/stageReporter.ts';
import { InvalidOptionError } from '../../model/errors.ts';
import { eachSpan } from '../shared/eachSpan.ts';
import { REDACT_DEFAULTS, REDACT_RULES, type RedactOptions, type RedactSettings } from './options.ts';
import { Redaction } from './redaction.ts';

const STAGE = 'redact';

/**
 * Replaces, or hashes, what is not to be seen in spans.
 *
 * ```text
 * source      -a-b-|
 * subscribed  ^----!
 *             redact: a has a pin, and A is a without it; b has none
 * result      -A-b-|
 * ```
 *
 * **Emits** for each span, at once, a view of it in which the values are replaced; the original is not changed. A span in which nothing is to be replaced is the very span that came. **Completes** and **errors** like the source.
 *
 * **Where** it looks: the attributes of the span, of its events, of its links and of its resource, in arrays and maps inside of them, too, and, for `patterns`, the message of the status. It does not look at names of spans and events, at keys, at
 * instrumentation scopes and at `tracestate`, and values of bytes are passed over. With `keys` the whole value is replaced, whatever its type, by a text; with `patterns` each match within a text.
 *
 * **Received spans** are sent on as the bytes that came where nothing is to be replaced. Fields that this version of OTLP does not know pass unseen then. Where a key comes twice, the value that counts is the last one: it is looked at, and the others are not sent on.
 *
 * **Hashes** are keyed, because values like card numbers are few enough to try them all. Whoever has the key can still do that.
 *
 * **Patterns** run on texts that others wrote. A regular expression with nested repetitions (`(a+)+$`) may take exponential time on a text that was made for it, and stalls the process then; nothing here can prevent that. Prefer expressions
 * without nested repetitions.
 *
 * **Order**: that of the source.
 *
 * **Loss**: a span that throws when it is read cannot be redacted, and does not pass: it is lost as `operatorFailed`, and told to `onCallbackError`.
 *
 * @throws InvalidOptionError when an option breaks its rule, or is unknown, or there is neither a key nor a pattern
 *
 * @example
 * ```ts
 * spans$
 *   .pipe(
 *     redact({ keys: ['http.request.header.authorization', /password|secret/i], patterns: [/\b\d{4}(?:[ -]?\d{4}){3}\b/] }),
 *     redact({ keys: ['user.id'], hash: { key: 'a key of sixteen bytes or more' } }),
 *   )
 *   .subscribe((span) => console.log(span.attributes));
 * ```
 *
 * @see enrich
 */
export function redact(options: RedactOptions): MonoTypeOperatorFunction<ReadableSpan> {
  const settings = settingsOf<RedactSettings>(STAGE, REDACT_DEFAULTS, REDACT_RULES, options);
  if (settings.keys.length + settings.patterns.length === 0) {
    throw new InvalidOptionError(`${STAGE} options`, 'given keys, patterns, or both', options);
  }
  const redaction = new Redaction(settings);
  return eachSpan(STAGE, settings, (span, reporter: StageReporter<ReadableSpan>) => {
    try {
      return redaction.span(span);
    } catch (thrown) {
      reporter.callbackFailed(thrown);
      return undefined;
    }
  });
}
