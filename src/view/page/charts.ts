import uPlot from 'uplot';
import type { Point } from '../shared/messages.ts';
import { ratesOf } from '../shared/rates.ts';
import { element } from './dom.ts';

const HEIGHT = 150;
/** As wide as what there is, within these. */
const WINDOW_SECONDS = { min: 60, max: 300 };

interface Line {
  readonly name: string;
  /** A custom property of the style sheet. */
  readonly color: string;
  readonly dash?: number[];
  readonly values: (points: readonly Point[]) => (number | null)[];
}

interface Chart {
  readonly title: string;
  readonly unit: string;
  readonly lines: readonly Line[];
}

const valuesOf = (name: 'queue' | 'inFlight' | 'batchSize' | 'p50' | 'p99') => (points: readonly Point[]) =>
  points.map((point) => point[name]);

// Lines differ by their dashes too, for those who do not see the colours.
const CHARTS: readonly Chart[] = [
  {
    title: 'Items per second',
    unit: '/s',
    lines: [
      { name: 'offered', color: '--blue', values: (points) => ratesOf(points, 'offered') },
      { name: 'delivered', color: '--green', dash: [6, 3], values: (points) => ratesOf(points, 'delivered') },
      { name: 'lost', color: '--red', dash: [2, 3], values: (points) => ratesOf(points, 'lost') },
    ],
  },
  { title: 'Queue', unit: '', lines: [{ name: 'items', color: '--blue', values: valuesOf('queue') }] },
  {
    title: 'Batch size and attempts in flight',
    unit: '',
    lines: [
      { name: 'batch size', color: '--orange', values: valuesOf('batchSize') },
      { name: 'in flight', color: '--blue', dash: [6, 3], values: valuesOf('inFlight') },
    ],
  },
  {
    title: 'Round trips',
    unit: ' ms',
    lines: [
      { name: 'median', color: '--green', values: valuesOf('p50') },
      { name: 'p99', color: '--orange', dash: [6, 3], values: valuesOf('p99') },
    ],
  },
];

/** The last minutes. */
export class Charts {
  readonly #host: HTMLElement;
  #plots: { readonly plot: uPlot; readonly lines: readonly Line[] }[] = [];

  constructor(host: HTMLElement) {
    this.#host = host;
    this.#draw();
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#draw());
    new ResizeObserver(() => {
      for (const { plot } of this.#plots) plot.setSize({ width: widthOf(plot), height: HEIGHT });
    }).observe(host);
  }

  /** @param clockSkewMillis what makes times of the scheduler times of day */
  update(points: readonly Point[], clockSkewMillis: number): void {
    const times = points.map(({ at }) => (at + clockSkewMillis) / 1_000);
    for (const { plot, lines } of this.#plots) {
      plot.setData([times, ...lines.map(({ values }) => values(points))]);
      // Without a cursor on it, the legend tells the newest figures.
      if (plot.cursor.idx == null) plot.setLegend({ idx: times.length - 1 });
    }
  }

  #draw(): void {
    const style = getComputedStyle(document.documentElement);
    const data = this.#plots.map(({ plot }) => plot.data);
    for (const { plot } of this.#plots) plot.destroy();
    const figures = CHARTS.map(({ title }) => element('figure', { class: 'card' }, element('figcaption', {}, title)));
    this.#host.replaceChildren(...figures);
    const color = (name: string) => style.getPropertyValue(name).trim();
    this.#plots = CHARTS.map(({ unit, lines }, index) => {
      const figure = figures[index] as HTMLElement;
      const options = optionsOf(unit, lines, color, figure.clientWidth - 24);
      return { plot: new uPlot(options, data[index] ?? [[], ...lines.map(() => [])], figure), lines };
    });
  }
}

function widthOf(plot: uPlot): number {
  return Math.max(120, (plot.root.parentElement?.clientWidth ?? 300) - 24);
}

function markerOf(line: Line | undefined): 'solid' | 'dashed' | 'dotted' {
  if (line?.dash === undefined) return 'solid';
  return (line.dash[0] as number) > 2 ? 'dashed' : 'dotted';
}

function timeOfDay(seconds: number): string {
  return new Date(seconds * 1_000).toLocaleTimeString('en-GB');
}

function optionsOf(
  unit: string,
  lines: readonly Line[],
  color: (name: string) => string,
  width: number,
): uPlot.Options {
  const axis = { stroke: color('--quiet'), grid: { stroke: color('--line'), width: 1 }, ticks: { show: false } };
  const shown = (value: number | null) => (value === null ? '–' : `${Math.round(value * 10) / 10}${unit}`);
  return {
    width: Math.max(120, width),
    height: HEIGHT,
    scales: {
      x: { range: (_, min, max) => [Math.min(max - WINDOW_SECONDS.min, Math.max(min, max - WINDOW_SECONDS.max)), max] },
      y: { range: (_, __, max) => [0, Math.max(1, (max ?? 0) * 1.1)] },
    },
    axes: [
      { ...axis, size: 30, space: 90, values: (_, times) => times.map(timeOfDay) },
      { ...axis, size: 56 },
    ],
    cursor: { y: false, drag: { setScale: false, x: false, y: false } },
    legend: { live: true, markers: { dash: (_, index) => markerOf(lines[index - 1]) } },
    series: [
      { label: 'at', value: (_, time) => (time === null ? '–' : timeOfDay(time)) },
      ...lines.map(
        ({ name, color: property, dash }): uPlot.Series => ({
          label: name,
          stroke: color(property),
          width: 2,
          points: { show: false },
          value: (_, value) => shown(value),
          ...(dash && { dash }),
        }),
      ),
    ],
  };
}
