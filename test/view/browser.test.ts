import { context, trace } from '@opentelemetry/api';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { TracerProvider } from '@opentelemetry/sdk-trace';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { otlpHttp, type SpanPipeline, spanPipeline } from '../../src/index.ts';
import { type OtlpBackend, otlpBackend } from '../../src/testing/index.ts';
import { type LiveView, liveView } from '../../src/view/index.ts';
import { launch, type Watch, watch } from './browser.ts';
import { chromiumPath, passWithoutChromium } from './chromium.ts';

/** Waits for a condition, for as long as a busy machine may need. */
const until: typeof expect.poll = (read) => expect.poll(read, { timeout: 60_000 });

const HOSTILE = '<img src=x onerror=alert(1)>';
const chromium = chromiumPath();
let browser: Browser | undefined;
let backend: OtlpBackend;
let pipeline: SpanPipeline;
let view: LiveView;
let page: Page;
let seen: Watch;
let traceCount = 0;

beforeAll(async () => {
  if (chromium !== undefined) browser = await launch(chromium);
});
afterAll(() => browser?.close());

beforeEach(async () => {
  if (browser === undefined) return;
  backend = await otlpBackend();
  pipeline = spanPipeline({
    sink: otlpHttp({ url: backend.url, environment: {} }),
    scheduledDelayMillis: 20,
    maxQueueSize: 2_000,
    maxExportBatchSize: 500,
    environment: {},
  });
  view = await liveView({ shop: pipeline, other: pipeline });
  page = await browser.newPage();
  seen = watch(page);
  await page.goto(view.url);
  // From the first message on it sees what happens.
  await until(() => page.locator('#connection').textContent()).toBe('live');
});

afterEach(async () => {
  if (browser === undefined) return;
  await page.close();
  await view.close();
  await pipeline.shutdown({ deadlineMillis: 0 });
  await backend.close();
});

/** One trace: a request, what it calls, and a span with a hostile name. */
function endTrace(route: string, isFailed = false): void {
  const resource = resourceFromAttributes({ 'service.name': 'shop' });
  const tracer = new TracerProvider({ resource, spanProcessors: [pipeline.processor] }).getTracer('test');
  traceCount += 1;
  const root = tracer.startSpan(`POST ${route}`, { attributes: { 'shop.order': traceCount }, startTime: 1_000 });
  const inside = trace.setSpan(context.active(), root);
  const call = tracer.startSpan(HOSTILE, { startTime: 1_010 }, inside);
  if (isFailed) call.setStatus({ code: 2 });
  call.end(1_060);
  root.end(1_100);
}

const figure = (name: string) =>
  page
    .locator('.tile', { has: page.getByText(name, { exact: true }) })
    .locator('dd')
    .first();
const term = (name: string) => page.locator(`.equation >> nth=1 >> [data-term="${name}"] b`);
const items = () => page.locator('#traces li:not([hidden])');

/** Where Chromium is absent, which is told at the end of the run, there is nothing to look at. */
function inChromium(name: string, look: () => Promise<void>): void {
  test(name, async (context) => {
    if (browser === undefined) passWithoutChromium(context);
    else await look();
  });
}

describe('the page in Chromium', () => {
  inChromium('moves: figures, books, picture and charts follow the pipeline', async () => {
    for (let index = 0; index < 50; index += 1) endTrace('/cart');
    await until(() => term('delivered').textContent()).toBe('100');
    for (let index = 0; index < 20; index += 1) endTrace('/cart');
    await until(() => term('delivered').textContent()).toBe('140');
    expect(await page.locator('.holds').allTextContents()).toEqual(['✓ adds up', '✓ adds up']);
    await until(() => figure('round trip').textContent()).toMatch(/ms$|µs$/);
    expect(await page.locator('#flow .name').allTextContents()).toEqual([
      ...['fromSpanProcessor', 'adaptiveBatch', 'exportTo(otlpHttp)'],
    ]);
    await until(() => page.locator('#charts canvas').count()).toBe(4);
    await until(() => page.locator('#charts .u-value').nth(1).textContent()).not.toBe('–');
    expect(await page.locator('#verdict').textContent()).toContain('Nothing has been lost.');
  });

  inChromium('shows an outage: what waits, the retries, and losses as they happen', async () => {
    backend.respond({ status: 503 });
    for (let index = 0; index < 1_500; index += 1) endTrace('/cart');
    await until(() => page.locator('#losses').textContent()).toMatch(/queueFull at \w+/);
    await until(() => page.locator('#reasons').textContent()).toMatch(/[\d,]+ queueFull/);
    await until(() => page.locator('#verdict').getAttribute('data-level')).toMatch(/loss|trouble/);
    await until(() => page.locator('#flow .loss').allTextContents().then(String)).toMatch(/▼ [\d,]+ queueFull/);
    await until(() => page.locator('.tile.bad dt').allTextContents()).toEqual(['lost']);
    await until(async () =>
      Number(/(\d+) of/.exec((await page.locator('#figures').textContent()) ?? '')?.[1]),
    ).toBeGreaterThan(0);
  });

  inChromium('finds traces, and draws one as a waterfall; a hostile name is text', async () => {
    endTrace('/cart');
    endTrace('/payment', true);
    await until(() => items().count()).toBe(2);
    await page.locator('#search').fill('payment ERROR');
    expect(await items().count()).toBe(1);
    await items().first().locator('button').click();
    expect(await page.locator('#waterfall h3').textContent()).toBe('POST /payment');
    expect(await page.locator('#waterfall summary').allTextContents()).toEqual([
      'POST /payment shop',
      `${HOSTILE} shop`,
    ]);
    expect(await page.locator('#waterfall .bar.bad').count()).toBe(1);
    const [whole, part] = await page
      .locator('#waterfall .bar')
      .evaluateAll((bars) => bars.map((bar) => bar.getBoundingClientRect().width));
    expect((part as number) / (whole as number)).toBeCloseTo(0.5, 1);
    expect(await page.locator('#waterfall img, #traces img').count()).toBe(0);
    await page.locator('#search').fill('no such span');
    expect(await page.locator('#found').textContent()).toContain('0 traces found');
  });

  inChromium('works by keyboard: the search, the list, a trace, its attributes, and the pause', async () => {
    endTrace('/cart');
    endTrace('/payment');
    await until(() => items().count()).toBe(2);
    const focused = () => page.evaluate('document.activeElement.id || document.activeElement.textContent');
    await tabTo('search');
    await page.keyboard.type('cart');
    await page.keyboard.press('Escape');
    expect(await items().count()).toBe(2);
    await page.keyboard.press('ArrowDown');
    const first = await focused();
    await page.keyboard.press('ArrowDown');
    expect(await focused()).not.toBe(first);
    await page.keyboard.press('Home');
    expect(await focused()).toBe(first);
    await page.keyboard.press('Enter');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    expect(await page.locator('#waterfall details[open] dl').first().textContent()).toMatch(/^shop\.order\d+$/);
    await tabTo('pause', 'Shift+Tab');
    await page.keyboard.press('Space');
    expect(await page.locator('#pause').getAttribute('aria-pressed')).toBe('true');
    expect(await page.evaluate('getComputedStyle(document.activeElement).outlineStyle')).toBe('solid');

    async function tabTo(id: string, key = 'Tab'): Promise<void> {
      for (let step = 0; step < 30 && (await focused()) !== id; step += 1) await page.keyboard.press(key);
      expect(await focused()).toBe(id);
    }
  });

  inChromium('shows one of several pipelines, tells that it was shut down, and that the view has gone', async () => {
    await until(() => page.locator('#pipeline option').allTextContents()).toEqual(['shop', 'other']);
    endTrace('/cart');
    await page.locator('#pipeline').selectOption('other');
    await until(() => page.locator('#traces li:not([hidden])').count()).toBe(1);
    await pipeline.shutdown();
    await until(() => page.locator('#verdict').textContent()).toBe('Shut down. Nothing has been lost.');
    await view.close();
    await until(() => page.locator('#connection').textContent()).toContain('connection lost');
    expect(await page.locator('#verdict').textContent()).toMatch(
      /^The program has ended or cannot be reached; these are the figures of \d\d:\d\d:\d\d\.$/,
    );
  });

  inChromium('draws the flow from top to bottom where the window is narrow, and whole', async () => {
    const corners = () =>
      page.locator('#flow .node').evaluateAll((nodes) => nodes.map((node) => node.getBoundingClientRect()));
    await until(async () => (await corners()).length).toBe(3);
    const inOrder = (values: readonly number[]) => values.toSorted((a, b) => a - b);
    const xs = (await corners()).map(({ x }) => x);
    expect([new Set(xs).size, xs]).toEqual([3, inOrder(xs)]);
    await page.setViewportSize({ width: 390, height: 800 });
    await until(async () => new Set((await corners()).map(({ x }) => x)).size).toBe(1);
    const ys = (await corners()).map(({ y }) => y);
    expect([new Set(ys).size, ys]).toEqual([3, inOrder(ys)]);
    expect(
      await page.evaluate('document.querySelector("#flow").scrollWidth <= document.querySelector("#flow").clientWidth'),
    ).toBe(true);
  });

  inChromium('loads nothing from elsewhere, and has no error, in light and dark, on a small screen too', async () => {
    for (const colorScheme of ['dark', 'light'] as const) {
      await page.emulateMedia({ colorScheme });
      endTrace('/cart');
      await until(() => items().count()).toBeGreaterThan(0);
    }
    const backgrounds = [];
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      backgrounds.push(await page.evaluate('getComputedStyle(document.body).backgroundColor'));
    }
    expect(new Set(backgrounds).size).toBe(2);
    await page.setViewportSize({ width: 380, height: 700 });
    // The charts follow the width when they have seen it.
    await page.waitForFunction('document.documentElement.scrollWidth <= 380');
    const origins = seen.urls.filter((url) => !url.startsWith('data:')).map((url) => new URL('/', url).href);
    expect(new Set(origins)).toEqual(new Set([view.url]));
    expect(seen.faults).toEqual([]);
  });
});
