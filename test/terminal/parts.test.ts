import { describe, expect, test } from 'vitest';
import { columnsOf, count, cut, fitted } from '../../src/terminal/cells.ts';
import { GaugeSamples, Samples } from '../../src/terminal/samples.ts';
import { sparkline } from '../../src/terminal/sparkline.ts';

const stats = (offered: number) => ({ offered, delivered: offered, refused: {}, lost: {}, pending: 0 });

describe('samples', () => {
  test('are kept up to 512, the newest ones', () => {
    const samples = new Samples();
    const gauge = new GaugeSamples();
    for (let number = 1; number <= 600; number++) {
      samples.add(stats(number), number);
      gauge.add(number, '');
    }
    expect([samples.all.length, samples.all[0]?.stats.offered, samples.last?.stats.offered]).toEqual([512, 89, 600]);
    expect([gauge.values.length, gauge.values[0], gauge.values.at(-1)]).toEqual([512, 89, 600]);
  });

  test('have the rate of the last second, or of the time since the first one', () => {
    const samples = new Samples();
    const rates = [0, 500, 1_000, 1_500, 2_500].map((atMillis) => {
      samples.add(stats(atMillis < 1_500 ? atMillis : 10_000), atMillis);
      return samples.last?.offeredPerSecond;
    });
    expect(rates).toEqual([0, 1_000, 1_000, 9_500, 0]);
  });

  test('at one moment have no rate', () => {
    const samples = new Samples();
    samples.add(stats(0), 5);
    samples.add(stats(10), 5);
    expect(samples.last?.offeredPerSecond).toBe(0);
  });
});

describe('a sparkline', () => {
  test.each<[readonly number[], number, number, string]>([
    [[0, 1, 50, 100], 10, 100, '▁▂▅█'],
    [[1, 2, 3], 2, 3, '▆█'],
    [[1, 2, 3], 0, 3, ''],
    [[200, Number.NaN, -1], 5, 100, '█▁▁'],
  ])('of %o in %i columns up to %i is %s', (values, width, max, line) => {
    expect(sparkline(values, width, max)).toBe(line);
  });
});

describe('a text', () => {
  test('is cut by columns, of which wide characters take two, and shows no control characters', () => {
    expect([fitted('日本語', 5), columnsOf('日本'), fitted('a\u001b[2Jb', 9)]).toEqual(['日本', 4, 'a\\u001b[2']);
  });

  test('ends its line where it is cut', () => {
    const line = [
      { text: 'abc', tone: 'plain' },
      { text: 'def', tone: 'name' },
      { text: 'g', tone: 'plain' },
    ] as const;
    expect(cut(line, 5).map(({ text }) => text)).toEqual(['abc', 'de']);
  });

  test('of a number has its thousands apart', () => {
    expect([0, 999, 1_000, 1_234_567.8].map(count)).toEqual(['0', '999', '1,000', '1,234,568']);
  });
});
