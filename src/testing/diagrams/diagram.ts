import type { Mark } from '../marbles/syntax.ts';

/** How a diagram is labelled. Names are given in the order in which the test draws the rows, one for each row of their kind, and no two alike. */
export interface DiagramOptions {
  /** What stands in the box between what goes in and what comes out. Default: the name. */
  readonly title?: string;
  /** What the sources are called: `hot`, `cold`, `hotBatches` and `coldBatches`. Default for one: `source`. Several want names. */
  readonly sources?: readonly string[];
  /** What the rows of `expectSubscriptions` are called. Default: `subscribed`, each of them. */
  readonly subscriptions?: readonly string[];
  /** What the rows of `expectObservable`, `expectBatches` and `expectOutcomes` are called. Default for one: `result`. Several want names. */
  readonly results?: readonly string[];
  /** Where the file lies, from the folder in which the tests run. Default `marble-tests/diagrams`. */
  readonly folder?: string;
}

/** A subscription or an attempt. `toFrame` is `Infinity` while it is open. */
export interface DiagramSpan {
  readonly fromFrame: number;
  readonly toFrame: number;
  /** What it carries: `abc`. */
  readonly letters: string;
  readonly end: 'ended' | 'failed' | 'aborted';
}

/** One row of a diagram. */
export type DiagramRow =
  | { readonly kind: 'stream'; readonly label: string; readonly marks: readonly Mark[] }
  | { readonly kind: 'subscriptions' | 'attempts'; readonly label: string; readonly spans: readonly DiagramSpan[] };

/** A diagram, before it is drawn. */
export interface Diagram {
  readonly title: string;
  readonly inputs: readonly DiagramRow[];
  readonly outputs: readonly DiagramRow[];
}
