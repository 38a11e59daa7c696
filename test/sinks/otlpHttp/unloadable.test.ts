import { beforeEach, expect, it, vi } from 'vitest';
import { failureOf, openSink } from '../../support/httpExports.ts';
import { spanWith } from '../../support/spans.ts';

const PARTS = ['undici/lib/dispatcher/client.js', 'undici/lib/core/connect.js'];
const failed = () => failureOf(openSink({ url: 'http://127.0.0.1:9/v1/traces' }), [spanWith()]);

beforeEach(() => vi.resetModules());

it('undici of which no part can be loaded fails for good, and leaves no rejection behind', async () => {
  for (const part of PARTS) vi.doMock(part, () => Promise.reject(new Error('gone')));
  const { failure, message } = await failed();
  expect(failure).toEqual({ kind: 'permanent' });
  expect(message).toContain('undici cannot be loaded: ');
  expect(message).not.toContain('README');
});

it('undici in an ES module of esbuild, which has no require, is told with the next step', async () => {
  const parts = {
    get default(): never {
      throw new Error('Dynamic require of "node:net" is not supported');
    },
  };
  for (const part of PARTS) vi.doMock(part, () => parts);
  const { message } = await failed();
  expect(message).toContain('Dynamic require of "node:net" is not supported; an ES module that esbuild makes');
  expect(message).toContain('see "Where it runs" in the README of spanflow');
});
