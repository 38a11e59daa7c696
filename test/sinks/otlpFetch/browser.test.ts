import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeTraces } from '../../../src/otlp/index.ts';
import { browserBundle, withoutNode } from '../../package/browserBundle.ts';
import { type CorsCollector, corsCollector, pageServer } from '../../support/corsServer.ts';
import { launch } from '../../view/browser.ts';
import { chromiumPath, passWithoutChromium } from '../../view/chromium.ts';
import { ATTRIBUTES, encoded } from './fixtures/page.ts';

const ALL_DELIVERED = [{ delivered: 3, lost: [], attempts: 1 }];

let bundle: string;
beforeAll(async () => {
  bundle = await browserBundle(join(import.meta.dirname, 'fixtures', 'page.ts'));
});

/** What has arrived is what the page has exported. */
function expectSpans({ arrived }: CorsCollector): void {
  const [{ headers, body } = { headers: {}, body: new Uint8Array() }] = arrived;
  const spans = decodeTraces(gunzipSync(body));
  expect(spans.map(({ name }) => name)).toEqual(['cart', 'checkout', 'payment']);
  for (const { attributes } of spans) expect(attributes).toEqual(ATTRIBUTES);
  expect(headers).toMatchObject({ 'content-encoding': 'gzip', 'x-length': `${body.length}` });
}

describe('otlpFetch in a bundle for browsers', () => {
  it('leaves nothing outside, and asks for nothing of Node at the start', () => {
    expect(bundle).not.toMatch(/^import |\brequire\(["']/m);
    expect(bundle).not.toMatch(/["']node:(?!async_hooks|v8|buffer)/);
  });

  it('encodes byte for byte as in Node where nothing of Node is', async () => {
    expect([...((await withoutNode(bundle, 'bundle.encoded()')) as string[])]).toEqual(encoded());
  });

  it('delivers where nothing of Node is', async () => {
    const collector = await corsCollector();
    const outcomes = await withoutNode(bundle, `bundle.run(${JSON.stringify(collector.url)})`);
    expect(JSON.parse(JSON.stringify(outcomes))).toEqual(ALL_DELIVERED);
    expectSpans(collector);
  });
});

describe('otlpFetch in Chromium', () => {
  const path = chromiumPath();
  let browser: Browser | undefined;
  beforeAll(async () => {
    browser = path === undefined ? undefined : await launch(path);
  });
  afterAll(() => browser?.close());

  async function openPage(opened: Browser): Promise<Page> {
    const page = await opened.newPage();
    await page.goto(await pageServer());
    await page.addScriptTag({ content: bundle });
    return page;
  }

  it('delivers to a collector of another origin, which allows it', async (context) => {
    if (browser === undefined) return passWithoutChromium(context);
    const collector = await corsCollector();
    const page = await openPage(browser);
    expect(await page.evaluate(`bundle.run(${JSON.stringify(collector.url)})`)).toEqual(ALL_DELIVERED);
    expectSpans(collector);
    expect(collector.preflights).toBe(1);
    expect(await page.evaluate('bundle.encoded()')).toEqual(encoded());
  });

  it('delivers what is exported while the page goes away', async (context) => {
    if (browser === undefined) return passWithoutChromium(context);
    const collector = await corsCollector();
    const page = await openPage(browser);
    await page.evaluate(`bundle.exportOnLeave(${JSON.stringify(collector.url)})`);
    await page.goto('about:blank');
    await collector.until(1);
    expect(decodeTraces(collector.arrived[0]?.body ?? new Uint8Array()).map(({ name }) => name)).toEqual(['checkout']);
  });

  it.for([
    ['that lets nobody send', 'nothing', 0],
    ['that lets pages send, but not read the answer', 'preflight', 1],
  ] as const)('cannot tell from each other a collector %s', async ([, allows, arrived], context) => {
    if (browser === undefined) return passWithoutChromium(context);
    const collector = await corsCollector(allows);
    const page = await openPage(browser);
    const failure = await page.evaluate(`bundle.failureAt(${JSON.stringify(collector.url)})`);
    expect([failure, collector.arrived.length]).toEqual([{ kind: 'unknownOutcome' }, arrived]);
  });
});
