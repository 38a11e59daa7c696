/** Keeps traces in which a span has failed: its status is an error. */
export interface ErrorsPolicy {
  /** Tells the policies apart. */
  readonly kind: 'errors';
  /** What it is called in the statistics. Left out: its kind. */
  readonly name?: string;
}

/** Keeps traces that took long. */
export interface SlowPolicy {
  /** Tells the policies apart. */
  readonly kind: 'slow';
  /** What it is called in the statistics. Left out: its kind. */
  readonly name?: string;
  /** Traces that took longer are kept, in milliseconds: 0 or more. */
  readonly overMillis: number;
  /** What is measured: `trace` (the default): from the first start of a span to the last end · `root`: the span without a parent. A trace whose root has not come is not slow then. */
  readonly of?: 'trace' | 'root';
}

/** Keeps traces in which a span has an attribute, or its resource has. With none of `values`, `pattern`, `min`, `max`: whatever its value is. */
export interface AttributePolicy {
  /** Tells the policies apart. */
  readonly kind: 'attribute';
  /** What it is called in the statistics. Left out: its kind. */
  readonly name?: string;
  /** The attribute's key. It is looked up in the span, then in its resource. */
  readonly key: string;
  /** The values that are looked for: strings, numbers, booleans. Left out: any. */
  readonly values?: readonly (string | number | boolean)[];
  /** What a text has to match. Left out: nothing. It runs on texts that others wrote: one that takes exponential time stalls the process. */
  readonly pattern?: RegExp;
  /** The least number. Left out: none. */
  readonly min?: number;
  /** The greatest number. Left out: none. */
  readonly max?: number;
}

/** Keeps a share of all traces, by OpenTelemetry's consistent probability sampling: each sampler that keeps a larger share keeps the same traces, and more. */
export interface ProbabilisticPolicy {
  /** Tells the policies apart. */
  readonly kind: 'probabilistic';
  /** What it is called in the statistics. Left out: its kind. */
  readonly name?: string;
  /** The share: 2 ** -56 to 1. It is rounded to four hexadecimal digits, as the specification recommends. */
  readonly ratio: number;
}

/** Keeps as many as a rate allows (token bucket, full at first). One of both rates is given. */
export interface RateLimitedPolicy {
  /** Tells the policies apart. */
  readonly kind: 'rateLimited';
  /** What it is called in the statistics. Left out: its kind. */
  readonly name?: string;
  /** Traces a second: above 0. */
  readonly tracesPerSecond?: number;
  /** Spans a second: above 0. A trace of more spans than the burst is kept when the bucket is full, and paid back. */
  readonly spansPerSecond?: number;
  /** How many may be kept at once: 1 or more. Left out: those of a second, and 1 at least. */
  readonly burst?: number;
}

/** Keeps a trace that each of its policies keeps. They are asked in order; those with a rate last. */
export interface AllPolicy {
  /** Tells the policies apart. */
  readonly kind: 'all';
  /** What it is called in the statistics. Left out: its kind. */
  readonly name?: string;
  /** One or more. */
  readonly policies: readonly SamplingPolicy[];
}

/** Keeps a trace that one of its policies keeps. */
export interface AnyPolicy {
  /** Tells the policies apart. */
  readonly kind: 'any';
  /** What it is called in the statistics. Left out: its kind. */
  readonly name?: string;
  /** One or more, asked in order. One with a rate is not asked, and spends nothing, where another one has kept the trace before. */
  readonly policies: readonly SamplingPolicy[];
}

/** Keeps what its policy does not. */
export interface NotPolicy {
  /** Tells the policies apart. */
  readonly kind: 'not';
  /** What it is called in the statistics. Left out: its kind. */
  readonly name?: string;
  /** The policy. */
  readonly policy: SamplingPolicy;
}

/** Deals a rate out to several policies: each keeps what it would keep, as far as its share of the rate allows. */
export interface SharesPolicy {
  /** Tells the policies apart. */
  readonly kind: 'shares';
  /** What it is called in the statistics. Left out: its kind. */
  readonly name?: string;
  /** Traces a second, of all shares together: above 0. */
  readonly tracesPerSecond?: number;
  /** Spans a second, of all shares together: above 0. */
  readonly spansPerSecond?: number;
  /** Asked in order. The ratios add up to 1 or less. */
  readonly shares: readonly {
    /** What is kept within the share. */
    readonly policy: SamplingPolicy;
    /** The share of the rate: above 0, up to 1. */
    readonly ratio: number;
  }[];
}

/** What traces are kept: a plain value, which a configuration file can hold (but for a `pattern`). `kind` tells the policies apart: `errors`, `slow`, `attribute`, `probabilistic`, `rateLimited`, `all`, `any`, `not`, `shares`. */
export type SamplingPolicy =
  | ErrorsPolicy
  | SlowPolicy
  | AttributePolicy
  | ProbabilisticPolicy
  | RateLimitedPolicy
  | AllPolicy
  | AnyPolicy
  | NotPolicy
  | SharesPolicy;
