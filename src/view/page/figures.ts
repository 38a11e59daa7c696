import { lossesOnAnyRoute } from '../../ledger/losses.ts';
import type { Stats } from '../../ledger/stats.ts';
import { attemptLimit } from '../shared/attemptLimit.ts';
import { sumOf } from '../shared/counts.ts';
import { type Equation, equationsOf } from '../shared/equations.ts';
import { count, duration } from '../shared/format.ts';
import { rateOf } from '../shared/rates.ts';
import { element, setText } from './dom.ts';
import type { PipelineState } from './pipelineState.ts';

/** Name, figure and, in small print, what belongs to it. */
type Figure = readonly [name: string, figure: string, more: string];

/** The figures of this moment. */
export class Figures {
  readonly #host: HTMLElement;

  constructor(host: HTMLElement) {
    this.#host = host;
  }

  update(state: PipelineState): void {
    const figures = figuresOf(state);
    while (this.#host.children.length > figures.length) this.#host.lastElementChild?.remove();
    for (const [index, [name, figure, more]] of figures.entries()) {
      const tile = this.#host.children[index] ?? this.#host.appendChild(emptyTile());
      for (const [part, text] of [name, figure, more].entries()) setText(tile.children[part] as Element, text);
      tile.classList.toggle('bad', name === 'lost' && figure !== '0');
    }
  }
}

function emptyTile(): HTMLElement {
  return element('div', { class: 'tile' }, element('dt'), element('dd'), element('dd', { class: 'quiet' }));
}

function figuresOf({ sample, points }: PipelineState): Figure[] {
  if (sample === undefined) return [];
  const { stats, state, roundTrips } = sample;
  const perSecond = (counter: 'offered' | 'delivered' | 'retries') => `${count(rateOf(points, counter))}/s`;
  const lost = sumOf(lossesOnAnyRoute(stats));
  const others = [roundTrips && `p90 ${duration(roundTrips.p90)}`, roundTrips && `p99 ${duration(roundTrips.p99)}`];
  return [
    ...(state === null ? [] : [['state', state, breakersOf(stats)] as const]),
    ['offered', perSecond('offered'), `${count(stats.offered)} in all`],
    ['delivered', perSecond('delivered'), `${count(stats.delivered)} in all`],
    [
      'queue',
      count(stats.queueSize),
      `${(stats.queueBytes / 1e6).toFixed(1)} MB of ${(stats.memoryBytes / 1e6).toFixed(1)} MB held`,
    ],
    ['batch size', count(stats.batchSize), 'make a batch due'],
    ['in flight', count(stats.inFlight), `attempts, limit ${count(attemptLimit(stats))}`],
    [
      'round trip',
      roundTrips ? duration(roundTrips.p50) : '–',
      roundTrips ? others.join(' · ') : 'no outcome in 10 seconds',
    ],
    ['retries', perSecond('retries'), `${count(stats.retries)} of ${count(stats.attempts)} attempts`],
    [
      'lost',
      count(lost),
      stats.possibleDuplicates > 0 ? `${count(stats.possibleDuplicates)} possible duplicates` : 'or refused',
    ],
    ...Object.entries(stats.routes).map(
      ([route, { delivered, pending, lost }]): Figure => [
        `route ${route}`,
        `${count(delivered)}`,
        `delivered · ${count(pending)} pending · ${count(sumOf(lost))} lost`,
      ],
    ),
  ];
}

/** The breakers, by the stage that each one guards. */
function breakersOf({ stages }: Pick<Stats, 'stages'>): string {
  const breakers = Object.entries(stages).flatMap(([stage, { health }]) =>
    health?.breaker === undefined ? [] : `breaker ${BREAKER_WORDS[health.breaker]} at ${stage}`,
  );
  return breakers.join(' · ');
}

const BREAKER_WORDS = Object.freeze({ closed: 'closed', open: 'open', halfOpen: 'half open' });

/** The two equations of the ledger, with live figures. */
export class Books {
  readonly #host: HTMLElement;

  constructor(host: HTMLElement) {
    this.#host = host;
  }

  update({ sample }: PipelineState): void {
    if (sample !== undefined) this.#host.replaceChildren(...equationsOf(sample.stats).map(equationLine));
  }
}

function equationLine({ total, terms, holds }: Equation): HTMLElement {
  const term = ([name, figure]: readonly [string, number]) =>
    element('span', { class: 'term', 'data-term': name }, element('b', {}, count(figure)), ` ${name}`);
  const sum = terms.flatMap((one, index) => (index === 0 ? [term(one)] : [element('i', {}, '+'), term(one)]));
  const proof = element('span', { class: holds ? 'holds' : 'broken' }, holds ? '✓ adds up' : '✗ does not add up');
  return element('p', { class: 'equation' }, term(total), element('i', {}, '='), ...sum, proof);
}

/** Losses by reason, and as they happen. */
export class Losses {
  readonly #reasons: HTMLElement;
  readonly #log: HTMLElement;

  constructor(reasons: HTMLElement, log: HTMLElement) {
    this.#reasons = reasons;
    this.#log = log;
  }

  update({ sample, losses }: PipelineState): void {
    if (sample === undefined) return;
    const reasons = Object.entries(lossesOnAnyRoute(sample.stats)).filter(([, lost]) => lost > 0);
    const chips = reasons.map(([reason, lost]) => element('li', {}, element('b', {}, count(lost)), ` ${reason}`));
    this.#reasons.replaceChildren(...(chips.length > 0 ? chips : [element('li', { class: 'none' }, 'None so far.')]));
    this.#updateLog(losses);
  }

  /** Entries keep their elements, so that a screen reader hears new ones only. */
  #updateLog(losses: PipelineState['losses']): void {
    const known = new Map([...this.#log.children].map((item) => [(item as HTMLElement).dataset.key, item]));
    for (const { key, atMillis, count: lost, reason, stage } of losses.toReversed()) {
      const item = known.get(String(key)) ?? element('li', { 'data-key': key });
      const time = new Date(atMillis).toLocaleTimeString('en-GB');
      setText(item, `${time}  ${count(lost)} ${reason}${stage === '' ? '' : ` at ${stage}`}`);
      if (!known.has(String(key))) this.#log.prepend(item);
      known.delete(String(key));
    }
    for (const item of known.values()) item.remove();
  }
}
