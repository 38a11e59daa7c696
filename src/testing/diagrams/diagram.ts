import type { Mark } from '../marbles/syntax.ts';

/** The labels of a diagram. Names are given in the order in which the test draws the rows: one unique name for each row of a kind. */
export interface DiagramOptions {
  /** The text of the box between inputs and outputs. Default: the name of the diagram. */
  readonly title?: string;
  /** Names of the sources: `hot`, `cold`, `hotBatches` and `coldBatches`. Default for one source: `source`. Required for several. */
  readonly sources?: readonly string[];
  /** Names of the rows of `expectSubscriptions`. Default: `subscribed` for each. */
  readonly subscriptions?: readonly string[];
  /** Names of the rows of `expectObservable`, `expectBatches` and `expectOutcomes`. Default for one: `result`. Required for several. */
  readonly results?: readonly string[];
  /** The folder of the file, relative to the working directory of the tests. Default `marble-tests/diagrams`. */
  readonly folder?: string;
}

/** A subscription or an attempt. `toFrame` is `Infinity` while it is open. */
export interface DiagramSpan {
  readonly fromFrame: number;
  readonly toFrame: number;
  /** The letters of its batch: `abc`. Empty for a subscription. */
  readonly letters: string;
  readonly end: 'ended' | 'failed' | 'aborted';
}

/** One row of a diagram. */
export type DiagramRow =
  | { readonly kind: 'stream'; readonly label: string; readonly marks: readonly Mark[] }
  | { readonly kind: 'subscriptions' | 'attempts'; readonly label: string; readonly spans: readonly DiagramSpan[] };

/** The content of a diagram. */
export interface Diagram {
  readonly title: string;
  readonly inputs: readonly DiagramRow[];
  readonly outputs: readonly DiagramRow[];
}
