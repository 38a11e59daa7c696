import { afterEach, describe, expect, it } from 'vitest';
import { type OtlpBackend, otlpBackend } from '../../src/testing/index.ts';
import { type Ended, run } from './child.ts';
import type { ComposedInput } from './programs/composed.ts';

const open: OtlpBackend[] = [];
afterEach(async () => {
  for (const backend of open.splice(0)) await backend.close();
});

async function composed(options: Omit<ComposedInput, 'url'>): Promise<{ program: Ended; backend: OtlpBackend }> {
  const backend = await otlpBackend();
  open.push(backend);
  return { program: await run('composed', { input: { url: backend.url, ...options } }), backend };
}

const told = ({ all }: Ended) => all('warning').map(({ message }) => String(message));

describe.each(['run', 'operators'] as const)('a program with operators of its own (%s)', (how) => {
  it('exports its one span at its natural end', async () => {
    const { program, backend } = await composed({ how, spans: 1 });
    expect(program).toMatchObject({ code: 0, faults: [], stderr: '' });
    expect(program.one('exit')).toMatchObject({ accepted: 1, delivered: 1, lost: {}, pending: 0 });
    expect(backend.spans).toBe(1);
    expect(told(program)).toEqual([]);
  });

  it('does not end when one of them throws', async () => {
    const { program, backend } = await composed({ how, spans: 9, throws: true });
    expect(program).toMatchObject({ code: 0, faults: [], stderr: '' });
    expect(program.one('exit')).toMatchObject({ delivered: 6, lost: { operatorFailed: 3 }, pending: 0 });
    expect(backend.spans).toBe(6);
    expect(told(program).join()).toContain('3 operatorFailed');
    expect(told(program).join()).toContain('an operator of the program');
  });
});

describe('a program that forgets to subscribe', () => {
  it('is told', async () => {
    const { program, backend } = await composed({ how: 'forgotten', spans: 2 });
    expect(program).toMatchObject({ code: 0, faults: [] });
    expect(backend.spans).toBe(0);
    expect(told(program).join()).toContain('nobody has subscribed to spans$');
  });
});
