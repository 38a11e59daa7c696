import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { corpus } from './corpus.ts';
import { fuzz, shotOf } from './fuzz.ts';
import { expectedOf } from './verdict.ts';

const SEED = 20_260_101;
const REQUESTS = 1_500;

test('each specimen of the corpus is sound, and the same seed makes the same request', () => {
  const specimens = corpus();
  for (const { signal, format, bytes } of specimens)
    expect(expectedOf(signal, format, bytes, {}).ending).toBe('accepted');
  expect(shotOf(specimens, SEED, 7)).toEqual(shotOf(corpus(), SEED, 7));
});

test('mutated requests over both protocols are answered as the decoder says, and nothing is kept of them', async () => {
  setFlagsFromString('--expose-gc');
  const collect: () => void = runInNewContext('gc');
  const heap: number[] = [];
  const goesOn = (index: number) => {
    if (index % (REQUESTS / 3) === 0) {
      collect();
      heap.push(process.memoryUsage().heapUsed);
    }
    return index < REQUESTS;
  };
  const { requests, answers, findings } = await fuzz({ seed: SEED, goesOn });
  expect(findings).toEqual([]);
  expect(requests).toBe(REQUESTS);
  // Each kind of answer has come, over both.
  expect(Object.keys(answers).sort()).toEqual(['grpc 0', 'grpc 3', 'grpc 8', 'http 200', 'http 400', 'http 413']);
  const [, warm = 0, , last = 0] = heap;
  expect(last - warm).toBeLessThan(8 * 1024 * 1024);
});
