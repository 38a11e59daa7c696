import { must, optional, type Rule, type Rules } from '../../internal/validation.ts';
import { STAGE_RULES } from '../../ledger/stageReporter.ts';
import { SPAN_STAGE_SETTINGS, type SpanStageOptions, type SpanStageSettings } from '../shared/options.ts';

/** The options of {@link redact}. */
export interface RedactOptions extends SpanStageOptions {
  /** Attributes whose values are replaced as a whole: exact keys, or regular expressions that are searched for in the key. Default: none. */
  keys?: readonly (string | RegExp)[];
  /** What is replaced within texts, wherever it occurs: the values of attributes, and the message of the status. Default: none. */
  patterns?: readonly RegExp[];
  /** What stands in the place. Default `[redacted]`. */
  replacement?: string;
  /** A keyed hash (HMAC-SHA-256, 64 hexadecimal digits) stands in the place, so that equal values can still be told to be equal. Not together with `replacement`. Default: none. */
  hash?: RedactHash;
}

/** How values are hashed. */
export interface RedactHash {
  /** The secret key: a text or bytes, 16 bytes or more. Without it, nobody can find out by trying which value a hash stands for. */
  readonly key: string | Uint8Array;
}

type Own = 'keys' | 'patterns' | 'replacement' | 'hash';

export type RedactSettings = SpanStageSettings &
  Readonly<Required<Pick<RedactOptions, 'keys' | 'patterns'>>> & {
    readonly [K in 'replacement' | 'hash']: RedactOptions[K] | undefined;
  };

export const REDACT_DEFAULTS: RedactSettings = Object.freeze({
  ...SPAN_STAGE_SETTINGS,
  keys: Object.freeze([]),
  patterns: Object.freeze([]),
  replacement: undefined,
  hash: undefined,
});

const MIN_KEY_BYTES = 16;

const isPattern = (value: unknown) => value instanceof RegExp;
const someKeys = must('an array of keys and regular expressions', (keys) => {
  return Array.isArray(keys) && keys.every((key) => typeof key === 'string' || isPattern(key));
});
const somePatterns = must('an array of regular expressions', (value) => Array.isArray(value) && value.every(isPattern));
const aText = must('a string, and only without a hash', (value) => typeof value === 'string');

const aReplacement: Rule = (value, option, call) => {
  aText(call.hasValue('hash') ? undefined : value, option, call);
};

/** The key itself is not shown. */
const aHash: Rule = (value, option, call) => {
  const { key } = (value ?? {}) as Partial<RedactHash>;
  const bytes = typeof key === 'string' ? Buffer.byteLength(key) : key instanceof Uint8Array ? key.byteLength : 0;
  if (bytes < MIN_KEY_BYTES)
    call.add(`${option}.key`, `a text or bytes, of ${MIN_KEY_BYTES} bytes or more`, typeof key);
};

export const REDACT_RULES: Rules<Pick<RedactSettings, Own> & SpanStageSettings> = {
  ...STAGE_RULES,
  keys: someKeys,
  patterns: somePatterns,
  replacement: optional(aReplacement),
  hash: optional(aHash),
};
