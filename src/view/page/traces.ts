import { count, duration } from '../shared/format.ts';
import type { TraceRecord } from '../shared/messages.ts';
import { extentOf, isFound, rootOf, type WaterfallRow, waterfallOf } from '../shared/waterfall.ts';
import { byId, element, setText } from './dom.ts';

/** A line of the list, with the trace that it shows. */
interface Item {
  readonly line: HTMLElement;
  readonly button: HTMLButtonElement;
  trace: TraceRecord;
}

/** The newest traces as a list that can be searched, and the chosen one as a waterfall. */
export class Traces {
  readonly #list = byId('traces');
  readonly #search = byId<HTMLInputElement>('search');
  readonly #found = byId('found');
  readonly #waterfall = byId('waterfall');
  readonly #traces = new Map<string, TraceRecord>(); // the oldest first
  readonly #items = new Map<string, Item>();
  #chosen: TraceRecord | undefined;
  #pipeline = '';
  #unseen = 0;
  maxTraces = 0;

  constructor() {
    this.#search.addEventListener('input', () => this.#filter());
    this.#search.addEventListener('keydown', (event) => this.#onSearchKey(event));
    this.#list.addEventListener('keydown', (event) => this.#onListKey(event));
  }

  clear(): void {
    this.#traces.clear();
    this.#unseen = 0;
  }

  add(traces: readonly TraceRecord[], unseenSpans: number): void {
    for (const trace of traces) this.#traces.set(trace.key, trace);
    for (const [key] of this.#traces) {
      if (this.#traces.size <= this.maxTraces) break;
      this.#traces.delete(key);
    }
    this.#unseen += unseenSpans;
  }

  update(pipeline: string): void {
    this.#pipeline = pipeline;
    if (!this.#isHeld) this.#refresh();
    this.#filter();
    const changed = this.#chosen && this.#traces.get(this.#chosen.key);
    const isRead = this.#waterfall.contains(document.activeElement);
    if (changed !== undefined && changed !== this.#chosen && !isRead) this.#choose(changed);
  }

  /** While someone is about to choose one, the list stands still. */
  get #isHeld(): boolean {
    return this.#list.matches(':hover, :focus-within');
  }

  #refresh(): void {
    for (const trace of this.#traces.values()) this.#show(trace);
    for (const [key, { line }] of this.#items) {
      if (this.#traces.has(key)) continue;
      line.remove();
      this.#items.delete(key);
    }
  }

  /** New ones are put on top; those that are there stay where they are, because moving them would take their focus. */
  #show(trace: TraceRecord): void {
    const item = this.#items.get(trace.key) ?? this.#addItem(trace);
    if (item.trace === trace && item.button.hasChildNodes()) return;
    item.trace = trace;
    item.button.replaceChildren(...lineOf(trace));
  }

  #addItem(trace: TraceRecord): Item {
    const button = element('button', { type: 'button', tabindex: -1, 'aria-pressed': 'false' });
    const item = { line: element('li', {}, button), button, trace };
    button.addEventListener('click', () => this.#choose(item.trace));
    this.#items.set(trace.key, item);
    this.#list.prepend(item.line);
    return item;
  }

  #filter(): void {
    const query = this.#search.value;
    let found = 0;
    for (const { line, trace } of this.#items.values()) {
      line.hidden = trace.pipeline !== this.#pipeline || !isFound(trace, query);
      if (!line.hidden) found += 1;
    }
    const unseen = this.#unseen === 0 ? '' : ` · ${count(this.#unseen)} spans came too fast to be listed`;
    const held = this.#isHeld ? ' · held while you choose' : '';
    const isAll = query.trim() === '';
    const text = found === 0 && isAll ? 'Traces appear when their batch has an outcome.' : `${found} traces`;
    setText(this.#found, `${text}${isAll ? '' : ' found'}${held}${unseen}`);
    // One of them can be reached by the tab key; the arrows lead to the others.
    const buttons = this.#buttons();
    if (!buttons.some((button) => button.tabIndex === 0)) buttons[0]?.setAttribute('tabindex', '0');
  }

  #buttons(): HTMLButtonElement[] {
    return [...this.#list.querySelectorAll<HTMLButtonElement>('li:not([hidden]) > button')];
  }

  #onSearchKey(event: KeyboardEvent): void {
    if (event.key === 'ArrowDown') this.#focus(this.#buttons()[0], event);
    if (event.key !== 'Escape') return;
    this.#search.value = '';
    this.#filter();
  }

  #onListKey(event: KeyboardEvent): void {
    const buttons = this.#buttons();
    const at = buttons.indexOf(document.activeElement as HTMLButtonElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: buttons.length - 1 }[event.key];
    if (to === undefined) return;
    if (to < 0) this.#focus(this.#search, event);
    else this.#focus(buttons[Math.min(to, buttons.length - 1)], event);
  }

  #focus(target: HTMLElement | undefined, event: Event): void {
    if (target === undefined) return;
    event.preventDefault();
    if (target !== this.#search) {
      for (const button of this.#list.querySelectorAll('button')) button.tabIndex = -1;
      target.tabIndex = 0;
    }
    target.focus();
  }

  #choose(trace: TraceRecord): void {
    const open = new Set([...this.#waterfall.querySelectorAll('details[open]')].map((one) => one.id));
    for (const [key, { button }] of this.#items) button.setAttribute('aria-pressed', String(key === trace.key));
    this.#chosen = trace;
    this.#waterfall.replaceChildren(...waterfallView(trace));
    for (const details of this.#waterfall.querySelectorAll('details')) details.open = open.has(details.id);
  }
}

function lineOf(trace: TraceRecord): Node[] {
  const root = rootOf(trace);
  const errors = trace.spans.filter(({ isError }) => isError).length;
  const small = [
    root?.service ?? '',
    `${trace.spans.length + trace.leftOut} spans`,
    errors > 0 ? `${errors} failed` : '',
    trace.fate === 'delivered' ? '' : trace.fate,
  ];
  const length = trace.spans.length === 0 ? 0 : extentOf(trace.spans).durationMillis;
  return [
    element('span', { class: 'trace-name' }, root?.name ?? trace.traceId),
    element('span', { class: 'trace-time' }, duration(length)),
    element(
      'span',
      { class: `quiet ${errors > 0 || trace.fate !== 'delivered' ? 'bad' : ''}` },
      small.filter(Boolean).join(' · '),
    ),
  ];
}

function waterfallView(trace: TraceRecord): Node[] {
  const leftOut = trace.leftOut === 0 ? '' : ` (${trace.leftOut} more are not shown)`;
  const title = element('h3', {}, rootOf(trace)?.name ?? 'A trace');
  const about = element(
    'p',
    { class: 'quiet' },
    `${trace.traceId} · ${trace.spans.length} spans${leftOut} · ${trace.fate}`,
  );
  const head = element('tr', {}, ...['Span', 'When', 'Took'].map((text) => element('th', { scope: 'col' }, text)));
  const body = element('tbody', {}, ...waterfallOf(trace).map(rowView));
  return [title, about, element('table', { class: 'waterfall' }, element('thead', {}, head), body)];
}

function rowView({ span, depth, left, width }: WaterfallRow): HTMLElement {
  const attributes = span.attributes.flatMap(([key, value]) => [element('dt', {}, key), element('dd', {}, value)]);
  const summary = element('summary', {}, span.name, element('span', { class: 'quiet' }, ` ${span.service}`));
  const details = element('details', { id: `span-${span.id}` }, summary, element('dl', {}, ...attributes));
  const bar = element('div', { class: `bar${span.isError ? ' bad' : ''}` });
  bar.style.marginLeft = `${left * 100}%`;
  bar.style.width = `max(2px, ${width * 100}%)`;
  const name = element('td', {}, details);
  name.style.paddingLeft = `${Math.min(depth, 12) * 14}px`;
  const took = element(
    'td',
    { class: span.isError ? 'bad' : '' },
    duration(span.durationMillis),
    span.isError ? ' failed' : '',
  );
  return element('tr', {}, name, element('td', {}, element('div', { class: 'track' }, bar)), took);
}
