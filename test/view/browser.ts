import { type Browser, chromium, type Page } from 'playwright-core';

export function launch(executablePath: string): Promise<Browser> {
  // Containers often run tests as root, and have no sandbox for it.
  return chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-dev-shm-usage'] });
}

/** What a page asked for, and what went wrong in it. */
export interface Watch {
  readonly urls: string[];
  readonly faults: string[];
}

export function watch(page: Page): Watch {
  const seen: Watch = { urls: [], faults: [] };
  page.on('request', (request) => seen.urls.push(request.url()));
  page.on('pageerror', (error) => seen.faults.push(String(error)));
  page.on('dialog', (dialog) => seen.faults.push(`dialog: ${dialog.message()}`));
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) seen.faults.push(message.text());
  });
  return seen;
}
