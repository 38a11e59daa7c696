import { expect, test } from 'vitest';
import { VALUES } from '../support/dataPoints.ts';
import { run } from './child.ts';

test('where code generation is forbidden, all signals are encoded and decoded, and the books say what a backend rejected', async () => {
  const program = await run('noCodeGeneration', { flags: ['--disallow-code-generation-from-strings'] });
  expect(program).toMatchObject({ code: 0, faults: [], stderr: '' });
  const attributes = { text: 'a', list: [1, 2.5], map: { deep: ['b'] } };
  const points = [VALUES[0], VALUES[1], VALUES[2], VALUES[3], VALUES[4]];
  const response = { rejected: 2, message: 'bad' };
  expect(program.one('codec')).toEqual({
    is: 'codec',
    isForbidden: true,
    protobuf: attributes,
    view: attributes,
    json: attributes,
    logs: [attributes, attributes],
    metrics: [points, points],
    responses: [response, response],
    statuses: ['test', 'test'],
  });
  const books = { delivered: 1, rejected: 2 };
  expect(program.one('books')).toEqual({ is: 'books', protobuf: books, json: books });
});
