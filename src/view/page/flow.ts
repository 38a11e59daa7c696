import { lossesOf } from '../../ledger/losses.ts';
import type { Stats } from '../../ledger/stats.ts';
import { attemptLimit } from '../shared/attemptLimit.ts';
import { sumOf } from '../shared/counts.ts';
import { type FlowNode, fillOf, flowLayout } from '../shared/flowLayout.ts';
import { count, shortCount } from '../shared/format.ts';
import { drawing, element, setAttributes, setText } from './dom.ts';
import { BOX, type FlowGeometry, flowGeometry, type Spot } from './flowGeometry.ts';
import type { PipelineState } from './pipelineState.ts';

const MAX_DOTS = 12;
/** Pixels: where the flow has less room than this, it goes from top to bottom. */
const NARROW = 640;

interface DrawnNode {
  readonly group: Element;
  readonly waiting: Element;
  readonly label: Element; // of what waits
  readonly note: Element;
  readonly loss: Element;
  readonly level: SVGElement;
  readonly dots: readonly Element[];
}

interface DrawnEdge {
  readonly path: Element;
  readonly label: Element;
  readonly rate: (state: PipelineState) => number;
}

/** The picture: stages that fill and empty, and what flows between them. It is drawn anew only when a stage is added or moves. */
export class FlowPicture {
  readonly #host: HTMLElement;
  readonly #table: HTMLElement;
  #signature = '';
  #nodes = new Map<string, DrawnNode>();
  #edges: DrawnEdge[] = [];

  constructor(host: HTMLElement, table: HTMLElement) {
    this.#host = host;
    this.#table = table;
  }

  update(state: PipelineState): void {
    const stats = state.sample?.stats;
    if (stats === undefined) return;
    const nodes = flowLayout(stats);
    const isNarrow = this.#host.clientWidth < NARROW;
    const signature = JSON.stringify([
      state.name,
      isNarrow,
      nodes.map(({ stage, column, row, follows }) => [stage, column, row, follows]),
    ]);
    if (signature !== this.#signature) this.#draw(nodes, flowGeometry(nodes, isNarrow));
    this.#signature = signature;
    for (const node of nodes) this.#updateNode(node, stats);
    for (const edge of this.#edges) updateEdge(edge, edge.rate(state));
    this.#updateTable(nodes, stats);
  }

  #draw(nodes: readonly FlowNode[], geometry: FlowGeometry): void {
    this.#nodes = new Map();
    this.#edges = [];
    const { width, height, entryOf, exitOf, before, behind } = geometry;
    const shape = drawing('clipPath', { id: 'box' }, drawing('rect', { width: BOX.width, height: BOX.height, rx: 10 }));
    const picture = drawing('svg', {
      viewBox: `0 0 ${width} ${height}`,
      width,
      height,
      role: 'img',
      'aria-label': 'The flow; the table below says the same',
    });
    picture.append(shape);
    const byStage = new Map(nodes.map((node) => [node.stage, node]));
    for (const node of nodes) {
      const offered = (state: PipelineState) => state.rate(node.stage, 'offered');
      const followed = node.follows.flatMap((stage) => byStage.get(stage) ?? []);
      const [entry, exit] = [entryOf(node), exitOf(node)];
      const edge = (...[from, to, rate, caption]: readonly [Spot, Spot, DrawnEdge['rate'], string?]) =>
        picture.append(this.#edge(geometry, from, to, rate, caption));
      for (const other of followed) edge(exitOf(other), entry, offered);
      if (followed.length === 0) edge(before(entry), entry, offered, 'offered');
      const delivered = (state: PipelineState) => state.rate(node.stage, 'delivered');
      if (node.isLast) edge(exit, behind(exit), delivered, 'delivered');
    }
    for (const node of nodes) picture.append(this.#node(node, geometry.cornerOf(node)));
    this.#host.replaceChildren(picture);
  }

  #node(node: FlowNode, [x, y]: Spot): SVGElement {
    const { width, height } = BOX;
    const level = drawing('rect', { class: 'level', width, height });
    const text = (className: string, line: number) => drawing('text', { class: className, x: 14, y: line });
    const [name, waiting, label, note, loss] = [
      text('name', 24),
      text('waiting', 57),
      text('note', 74),
      text('note', 90),
      text('loss', height + 22),
    ];
    name.append(node.stage.length > 22 ? `${node.stage.slice(0, 21)}…` : node.stage);
    const dots = node.role === 'sink' ? dotsFor() : [];
    const box = drawing('rect', { class: 'box', width, height, rx: 10 });
    // The level is a rectangle of the box's own size, moved up and down behind a window of the box's shape.
    const window = drawing('g', { 'clip-path': 'url(#box)' }, level);
    const group = drawing(
      'g',
      { class: `node ${node.role}`, transform: `translate(${x} ${y})` },
      ...[drawing('title', {}, node.stage), window, box, name, waiting, label, note, loss, ...dots],
    );
    this.#nodes.set(node.stage, { group, waiting, label, note, loss, level, dots });
    return group;
  }

  #edge(geometry: FlowGeometry, from: Spot, to: Spot, rate: DrawnEdge['rate'], caption = ''): SVGElement {
    const path = drawing('path', { class: 'edge', d: geometry.curve(from, to) });
    const [x, y] = geometry.labelSpot(from, to);
    const label = drawing('text', { class: 'rate', x, y });
    this.#edges.push({ path, label, rate });
    return drawing('g', {}, path, label, drawing('text', { class: 'end', x, y: y + geometry.captionBelow }, caption));
  }

  #updateNode(node: FlowNode, stats: Stats): void {
    const drawn = this.#nodes.get(node.stage);
    if (drawn === undefined) return;
    setText(drawn.waiting, shortCount(node.waiting));
    const isRetrying = stats.stages[node.stage]?.health?.isFailing === true && node.waiting > 0;
    drawn.group.classList.toggle('retrying', isRetrying);
    setText(drawn.label, isRetrying ? 'wait to be tried again' : labelOf(node, stats));
    setText(drawn.note, noteOf(node, stats));
    drawn.level.style.transform = `translateY(${(1 - fillOf(node.waiting)) * BOX.height}px)`;
    const inFlight = isOnlySink(stats) ? stats.inFlight : 0;
    for (const [index, dot] of drawn.dots.entries()) {
      dot.classList.toggle('busy', index < inFlight);
      dot.classList.toggle('beyond', index >= Math.max(inFlight, attemptLimit(stats)));
    }
    const losses = Object.entries(ownLosses(node, stats)).filter(([, lost]) => lost > 0);
    setText(drawn.loss, losses.map(([reason, lost]) => `▼ ${shortCount(lost)} ${reason}`).join('  '));
  }

  #updateTable(nodes: readonly FlowNode[], stats: Stats): void {
    if (!(this.#table as HTMLDetailsElement).open) return;
    const cells = (tag: 'td' | 'th', ...texts: readonly string[]) => texts.map((text) => element(tag, {}, text));
    const head = element(
      'tr',
      {},
      ...cells('th', 'stage', 'after', 'route', 'offered', 'accepted', 'waiting', 'delivered', 'lost or refused'),
    );
    const rows = nodes.map(({ stage, follows, route, waiting }) => {
      const books = stats.stages[stage];
      const numbers = [
        books?.offered,
        books?.accepted,
        waiting,
        books?.delivered,
        books && sumOf(books.lost) + sumOf(books.refused),
      ];
      return element(
        'tr',
        {},
        ...cells('td', stage, follows.join(', '), route ?? '', ...numbers.map((number) => count(number ?? 0))),
      );
    });
    const table = element('table', { class: 'stages' }, element('thead', {}, head), element('tbody', {}, ...rows));
    this.#table.querySelector('table')?.remove();
    this.#table.append(table);
  }
}

/** One for each attempt that is in flight, or may be. */
function dotsFor(): SVGElement[] {
  return Array.from({ length: MAX_DOTS }, (_, index) =>
    drawing('circle', { class: 'dot beyond', r: 4, cx: 18 + index * 13, cy: 103 }),
  );
}

/** What the number of a stage counts. */
function labelOf({ role }: FlowNode, stats: Stats): string {
  if (role === 'sink') return 'without an outcome';
  if (role === 'batch') return `waiting · batches of ${shortCount(stats.batchSize)}`;
  return role === 'input' ? 'wait in the input' : 'wait in it';
}

function noteOf({ role }: FlowNode, stats: Stats): string {
  if (role !== 'sink' || !isOnlySink(stats)) return '';
  return `${stats.inFlight} of ${attemptLimit(stats)} attempts in flight`;
}

/** Attempts are counted for all sinks together. */
function isOnlySink({ places }: Stats): boolean {
  return places.filter(({ role }) => role === 'sink').length === 1;
}

/** A batcher also books what was lost behind it; that is shown where it happened. */
function ownLosses({ stage, role, isLast }: FlowNode, stats: Stats): Record<string, number> {
  const books = stats.stages[stage];
  if (books === undefined) return {};
  const losses: Record<string, number> = { ...lossesOf(books) };
  if (role !== 'batch' || isLast) return losses;
  for (const place of stats.places) {
    const behind = place.role === 'sink' ? stats.stages[place.stage] : undefined;
    for (const [reason, lost] of Object.entries(behind?.lost ?? {})) losses[reason] = (losses[reason] ?? 0) - lost;
  }
  return losses;
}

function updateEdge({ path, label }: DrawnEdge, rate: number): void {
  path.classList.toggle('flowing', rate > 0);
  setAttributes(path, { 'stroke-width': (2 + Math.min(6, Math.log10(1 + Math.max(0, rate)) * 1.3)).toFixed(1) });
  setText(label, rate > 0 ? `${shortCount(rate)}/s` : '');
}
