import { lossesOf } from '../../ledger/losses.ts';
import type { Stats } from '../../ledger/stats.ts';
import { attemptLimit } from '../shared/attemptLimit.ts';
import { sumOf } from '../shared/counts.ts';
import { type FlowNode, fillOf, flowLayout } from '../shared/flowLayout.ts';
import { count, shortCount } from '../shared/format.ts';
import { drawing, element, setAttributes, setText } from './dom.ts';
import type { PipelineState } from './pipelineState.ts';

const BOX = { width: 184, height: 116, gapX: 96, gapY: 52, top: 14, loss: 30 };
const MAX_DOTS = 12;

type Spot = readonly [x: number, y: number];

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
    const signature = JSON.stringify([
      state.name,
      nodes.map(({ stage, column, row, follows }) => [stage, column, row, follows]),
    ]);
    if (signature !== this.#signature) this.#draw(nodes);
    this.#signature = signature;
    for (const node of nodes) this.#updateNode(node, stats);
    for (const edge of this.#edges) updateEdge(edge, edge.rate(state));
    this.#updateTable(nodes, stats);
  }

  #draw(nodes: readonly FlowNode[]): void {
    this.#nodes = new Map();
    this.#edges = [];
    const columns = 1 + Math.max(0, ...nodes.map(({ column }) => column));
    const rows = 1 + Math.max(0, ...nodes.map(({ row }) => row));
    const width = (columns + 1) * BOX.gapX + columns * BOX.width;
    const height = BOX.top + rows * (BOX.height + BOX.gapY) - BOX.gapY + BOX.loss;
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
      const before = node.follows.flatMap((stage) => byStage.get(stage) ?? []);
      const [start, end] = [startOf(node), endOf(node)];
      for (const other of before) picture.append(this.#edge(endOf(other), start, offered));
      if (before.length === 0) picture.append(this.#edge(besides(start, -BOX.gapX), start, offered, 'offered'));
      const delivered = (state: PipelineState) => state.rate(node.stage, 'delivered');
      if (node.isLast) picture.append(this.#edge(end, besides(end, BOX.gapX), delivered, 'delivered'));
    }
    for (const node of nodes) picture.append(this.#node(node));
    this.#host.replaceChildren(picture);
  }

  #node(node: FlowNode): SVGElement {
    const { width, height } = BOX;
    const [x, middle] = startOf(node);
    const level = drawing('rect', { class: 'level', width, height });
    const text = (className: string, y: number) => drawing('text', { class: className, x: 14, y });
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
      { class: `node ${node.role}`, transform: `translate(${x} ${middle - height / 2})` },
      ...[drawing('title', {}, node.stage), window, box, name, waiting, label, note, loss, ...dots],
    );
    this.#nodes.set(node.stage, { group, waiting, label, note, loss, level, dots });
    return group;
  }

  #edge([x1, y1]: Spot, [x2, y2]: Spot, rate: DrawnEdge['rate'], caption = ''): SVGElement {
    const bend = (x2 - x1) / 2;
    const d = `M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`;
    const path = drawing('path', { class: 'edge', d });
    const [x, y] = [(x1 + x2) / 2, y2];
    // Beside the line: below its end where it comes from above.
    const label = drawing('text', { class: 'rate', x, y: y2 > y1 ? y + 18 : y - 10 });
    this.#edges.push({ path, label, rate });
    return drawing('g', {}, path, label, drawing('text', { class: 'end', x, y: y + 22 }, caption));
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

function startOf({ column, row }: FlowNode): Spot {
  return [BOX.gapX + column * (BOX.width + BOX.gapX), BOX.top + row * (BOX.height + BOX.gapY) + BOX.height / 2];
}

function endOf(node: FlowNode): Spot {
  return besides(startOf(node), BOX.width);
}

function besides([x, y]: Spot, by: number): Spot {
  return [x + by, y];
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
