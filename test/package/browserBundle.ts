import { runInNewContext } from 'node:vm';
import type { Page } from 'playwright-core';
import { rolldown } from 'rolldown';
import { launch, watch } from '../view/browser.ts';

/** A bundle of a module for browsers, with nothing left outside of it; its exports are properties of `bundle`. */
export async function browserBundle(input: string): Promise<string> {
  const warnings: string[] = [];
  const build = await rolldown({ input, platform: 'browser', onLog: (_, { message }) => warnings.push(message) });
  const { output } = await build.generate({ format: 'iife', name: 'bundle' });
  await build.close();
  if (warnings.length > 0) throw new Error(`the bundle leaves something open:\n${warnings.join('\n')}`);
  return output[0].code;
}

/** What browsers have in common with Node. All else is missing here: `process`, `Buffer`, `setImmediate`, `require`. */
const OF_THE_WEB = {
  ...{ AbortController, AbortSignal, DOMException, TextDecoder, TextEncoder, console, performance },
  ...{ ReadableStream, WritableStream, queueMicrotask, structuredClone },
  ...{ Blob, CompressionStream, Headers, Request, Response, URL, atob, btoa, fetch },
  ...{ clearInterval, clearTimeout, setInterval, setTimeout },
};

/** Runs a bundle where nothing of Node is, by its function `run` or by another call. */
export function withoutNode(bundle: string, call = 'bundle.run()'): Promise<unknown> {
  return runInNewContext(`${bundle};\n${call};`, { ...OF_THE_WEB }) as Promise<unknown>;
}

/** Runs a bundle in Chromium. */
export async function inChromium(path: string, bundle: string): Promise<unknown> {
  const browser = await launch(path);
  try {
    return await runInPage(await browser.newPage(), bundle);
  } finally {
    await browser.close();
  }
}

async function runInPage(page: Page, bundle: string): Promise<unknown> {
  const { faults } = watch(page);
  await page.addScriptTag({ content: bundle });
  const result: unknown = await page.evaluate('bundle.run()');
  if (faults.length > 0) throw new Error(faults.join('\n'));
  return result;
}
