import { type ClientRequest, get } from 'node:http';
import { expect, test } from 'vitest';
import { run } from './child.ts';

test('a live view has no timer without a page, and with one that is open the program ends by itself', async () => {
  let page: ClientRequest | undefined;
  const program = await run('liveView', {
    onReport: ({ is, url }) => {
      if (is === 'idle') page = get(`${url}events`).on('error', () => {});
    },
  });
  page?.destroy();
  expect(program).toMatchObject({ code: 0, signal: null, faults: [], stderr: '' });
  expect(program.one('idle').ours).toEqual([]);
  expect(program.all('opened')).toHaveLength(1);
});
