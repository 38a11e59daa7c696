import { diag } from '@opentelemetry/api';
import { describe, expect, it, onTestFinished } from 'vitest';
import { EnvironmentReader } from '../../src/internal/environment.ts';
import { recordWarnings } from '../support/httpExports.ts';

const read = (environment: Readonly<Record<string, string | undefined>>) => new EnvironmentReader(environment);

describe('a variable', () => {
  it('that is empty or blank is unset', () => {
    const reader = read({ A: '', B: ' \t', C: undefined, D: ' x ' });
    expect([reader.text('A'), reader.text('B'), reader.text('C'), reader.text('A', 'B', 'C', 'D')]).toEqual([
      undefined,
      undefined,
      undefined,
      'x',
    ]);
  });

  it('that is no text is unset', () => {
    expect(read({ A: 5 as unknown as string, B: 'x' }).text('A', 'B')).toBe('x');
  });

  it('that is there at all comes before another one, be it empty', () => {
    const reader = read({ a: ' ', A: 'x', B: ' y ', C: undefined });
    expect([reader.firstPresent('a', 'A'), reader.firstPresent('C', 'B'), reader.firstPresent('C')]).toEqual([
      { name: 'a', value: '' },
      { name: 'B', value: 'y' },
      undefined,
    ]);
  });

  it('that is ignored says what happens now, where that is not just the default', () => {
    const warnings = recordWarnings();
    read({}).warn('A', 'a word', 'nothing happens');
    expect(warnings).toEqual(['spanflow: A is ignored: it must be a word; nothing happens']);
  });

  it('that comes first counts; one that makes no sense is warned about and left out, its value never repeated', () => {
    const warnings = recordWarnings();
    expect(read({ A: 's3cret', B: '7', C: '8' }).wholeNumber(1, Number.MAX_SAFE_INTEGER, 'A', 'B', 'C')).toBe(7);
    expect(warnings).toEqual(['spanflow: A is ignored: it must be a whole number from 1']);
  });

  it.each([
    ['0', undefined],
    ['1', 1],
    ['+1', undefined],
    ['-1', undefined],
    ['1.0', undefined],
    ['0x10', undefined],
    ['1e3', undefined],
    ['1_000', undefined],
    ['007', 7],
    ['9007199254740993', undefined],
  ])('of %s is the whole number %s', (text, number) => {
    expect(read({ A: text }).wholeNumber(1, Number.MAX_SAFE_INTEGER, 'A')).toBe(number);
  });

  it('of 0 is no limit for a timeout, and none for a delay', () => {
    expect([read({ A: '0' }).timeoutMillis('A'), read({ A: '0' }).delayMillis('A')]).toEqual([
      Number.POSITIVE_INFINITY,
      0,
    ]);
  });

  it('is no delay that Node’s timers could not wait', () => {
    expect(read({ A: '2147483647' }).delayMillis('A')).toBe(2_147_483_647);
    expect(read({ A: '2147483648' }).delayMillis('A')).toBeUndefined();
  });

  it('is one of several words in any case', () => {
    expect(read({ A: 'GZIP' }).oneOf(['gzip', 'none'], 'A')).toBe('gzip');
    expect(read({ A: 'zip' }).oneOf(['gzip', 'none'], 'A')).toBeUndefined();
  });

  it('that is bad is ignored even if the diag logger throws', () => {
    const warn = () => {
      throw new Error('full disk');
    };
    diag.setLogger({ error() {}, warn, info() {}, debug() {}, verbose() {} }, { suppressOverrideMessage: true });
    onTestFinished(() => diag.disable());
    expect(read({ A: 'x', B: '2' }).wholeNumber(1, Number.MAX_SAFE_INTEGER, 'A', 'B')).toBe(2);
  });
});
