import type { Diagram, DiagramOptions, DiagramRow, DiagramSpan } from './diagram.ts';
import type { Attempt } from './scriptedSink.ts';
import type { Mark, SubscriptionSpan } from './syntax.ts';

/** What a test has drawn so far: the rows of its diagram, should it want one. */
export class Sketch {
  readonly #sources: (readonly Mark[])[] = [];
  readonly #subscriptions: (readonly SubscriptionSpan[])[] = [];
  readonly #attempts: { readonly attempts: readonly Attempt<unknown>[]; letters(index: number): string }[] = [];
  readonly #results: (readonly Mark[])[] = [];

  /** Frames of `marks` count from `atMillis`. */
  source(marks: readonly Mark[], atMillis: number): void {
    this.#sources.push(shifted(marks, atMillis));
  }

  subscriptions(log: readonly SubscriptionSpan[]): void {
    this.#subscriptions.push(log);
  }

  attempts(attempts: readonly Attempt<unknown>[], letters: (index: number) => string): void {
    this.#attempts.push({ attempts, letters });
  }

  result(marks: readonly Mark[], atMillis: number): void {
    this.#results.push(shifted(marks, atMillis));
  }

  diagram(name: string, { title = name, sources = [], results = [] }: DiagramOptions): Diagram {
    const stream = (labels: readonly string[], otherwise: string) => (marks: readonly Mark[], index: number) =>
      ({ kind: 'stream', label: labels[index] ?? otherwise, marks }) satisfies DiagramRow;
    const subscriptions = this.#subscriptions.map(
      (log): DiagramRow => ({ kind: 'subscriptions', label: 'subscribed', spans: log.map(subscriptionSpan) }),
    );
    const attempts = this.#attempts.map(({ attempts, letters }): DiagramRow => {
      const spans = attempts.map((attempt, index) => attemptSpan(attempt, letters(index)));
      return { kind: 'attempts', label: 'attempts', spans };
    });
    return {
      title,
      inputs: [...this.#sources.map(stream(sources, 'source')), ...subscriptions],
      outputs: [...attempts, ...this.#results.map(stream(results, 'result'))],
    };
  }
}

function shifted(marks: readonly Mark[], byMillis: number): readonly Mark[] {
  return marks.filter(({ frame }) => frame >= 0).map((mark) => ({ ...mark, frame: mark.frame + byMillis }));
}

function subscriptionSpan({ subscribedFrame, unsubscribedFrame }: SubscriptionSpan): DiagramSpan {
  return { fromFrame: subscribedFrame, toFrame: unsubscribedFrame, letters: '', end: 'ended' };
}

function attemptSpan({ subscribedFrame, unsubscribedFrame, end }: Attempt<unknown>, letters: string): DiagramSpan {
  const how = end === 'failed' || end === 'aborted' ? end : 'ended';
  return { fromFrame: subscribedFrame, toFrame: unsubscribedFrame, letters, end: how };
}
