import { MarbleFailure } from '../failures/failure.ts';
import type { Attempt } from '../marbles/scriptedSinkApi.ts';
import type { Mark, SubscriptionSpan } from '../marbles/syntax.ts';
import type { Diagram, DiagramOptions, DiagramRow, DiagramSpan } from './diagram.ts';
import { writeOrCompareDiagram } from './diagramFile.ts';
import { rowNames } from './rowNames.ts';

/** A source or a result as the test draws it: `hot('-a-|')`. */
interface DrawnStream {
  readonly drawing: string;
  readonly marks: readonly Mark[];
}

interface DrawnAttempts {
  /** The name of the sink. */
  readonly name: string;
  readonly attempts: readonly Attempt<unknown>[];
  readonly letters: (index: number) => string;
}

/** Collects the rows that a test draws, for the diagrams that it requests. */
export class DiagramRecorder {
  readonly #sources: DrawnStream[] = [];
  readonly #subscriptions: { readonly log: readonly SubscriptionSpan[]; readonly drawing: string }[] = [];
  readonly #attempts: DrawnAttempts[] = [];
  readonly #results: DrawnStream[] = [];
  readonly #requested: { readonly name: string; readonly options: DiagramOptions }[] = [];

  /** Frames of `marks` count from `atMillis`. */
  addSource(drawing: string, marks: readonly Mark[], atMillis: number): void {
    this.#sources.push({ drawing, marks: shifted(marks, atMillis) });
  }

  addSubscriptions(drawing: string, log: readonly SubscriptionSpan[]): void {
    this.#subscriptions.push({ drawing, log });
  }

  addAttempts(name: string, attempts: readonly Attempt<unknown>[], letters: (index: number) => string): void {
    this.#attempts.push({ name, attempts, letters });
  }

  addResult(drawing: string, marks: readonly Mark[], atMillis: number): void {
    this.#results.push({ drawing, marks: shifted(marks, atMillis) });
  }

  request(name: string, options: DiagramOptions): void {
    this.#requested.push({ name, options });
  }

  /**
   * Writes the requested diagrams, or returns a failure for each file that is missing or different.
   *
   * @throws MarbleFailure when several rows have no name, or the same
   */
  writeOrCompare(): MarbleFailure[] {
    return this.#requested.flatMap(({ name, options }) => {
      const { folder = 'marble-tests/diagrams' } = options;
      return writeOrCompareDiagram(name, folder, this.#diagram(name, options)) ?? [];
    });
  }

  #diagram(name: string, options: DiagramOptions): Diagram {
    return {
      title: options.title ?? name,
      inputs: [...streamRows(name, 'sources', this.#sources, options), ...this.#subscriptionRows(name, options)],
      outputs: [...this.#attemptRows(name), ...streamRows(name, 'results', this.#results, options)],
    };
  }

  #subscriptionRows(diagram: string, { subscriptions: names }: DiagramOptions): DiagramRow[] {
    const drawings = this.#subscriptions.map(({ drawing }) => drawing);
    const naming = { option: 'subscriptions', drawings, names, otherwise: 'subscribed', mayShare: true } as const;
    const labels = rowNames(diagram, naming);
    return this.#subscriptions.map(({ log }, index) => {
      return { kind: 'subscriptions', label: labels[index] ?? '', spans: log.map(subscriptionSpan) };
    });
  }

  /** With several sinks, each row is labelled with the name of its sink. */
  #attemptRows(diagram: string): DiagramRow[] {
    const names = this.#attempts.map(({ name }) => name);
    const twice = names.find((name, index) => names.indexOf(name) !== index);
    if (twice !== undefined) {
      throw new MarbleFailure(
        `diagram('${diagram}') has two rows of attempts of the sink '${twice}': give each a name, sink('…', { name: 'primary' })`,
      );
    }
    return this.#attempts.map(({ name, attempts, letters }) => {
      const spans = attempts.map((attempt, index) => attemptSpan(attempt, letters(index)));
      return { kind: 'attempts', label: names.length === 1 ? 'attempts' : name, spans };
    });
  }
}

function streamRows(
  diagram: string,
  option: 'sources' | 'results',
  streams: readonly DrawnStream[],
  { [option]: names }: DiagramOptions,
): DiagramRow[] {
  const drawings = streams.map(({ drawing }) => drawing);
  const labels = rowNames(diagram, { option, drawings, names, otherwise: option.slice(0, -1) });
  return streams.map(({ marks }, index) => ({ kind: 'stream', label: labels[index] ?? '', marks }));
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
