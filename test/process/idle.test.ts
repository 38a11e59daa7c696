import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { run } from './child.ts';

const NO_TIMERS = { holding: 0, armedBy: [] };
const NO_OURS = { holding: 0, ours: [] };
const ENDED_WELL = { code: 0, signal: null, faults: [], stderr: '' };

describe('an idle program', () => {
  it('has no timer before and after its traffic, and ends by itself', async () => {
    const program = await run('idlePipeline');
    expect(program).toMatchObject(ENDED_WELL);
    expect(program.one('before').timers).toEqual(NO_TIMERS);
    expect(program.one('delivered')).toMatchObject({ items: 1_234, timers: NO_TIMERS });
    expect(program.one('flushed')).toMatchObject({ items: 1_239, timers: NO_TIMERS });
    expect(program.one('exit')).toMatchObject({ items: 1_239 });
  });

  it('has no timer without a subscriber to its spans', async () => {
    const program = await run('idleInput');
    expect(program).toMatchObject(ENDED_WELL);
    expect(program.one('idle').timers).toEqual(NO_TIMERS);
  });

  it.each([
    ['never', 0],
    ['whileWaiting', 1],
  ])(
    'has one timer while a batch is open, none after it, and ends although its source goes on (processHold %s)',
    async (processHold, holding) => {
      const program = await run('idleComposition', { input: { processHold } });
      expect(program).toMatchObject(ENDED_WELL);
      expect(program.one('before').timers).toEqual(NO_TIMERS);
      expect(program.one('queued')).toMatchObject({ items: 500, timers: { holding, armedBy: ['spanflow'] } });
      expect(program.one('idle')).toMatchObject({ items: 777, pending: 0, timers: NO_TIMERS });
    },
  );

  it.each(['pipeline', 'composition'])('ends while its %s keeps a connection to the backend', async (as) => {
    let connections = 0;
    let requests = 0;
    // The server would keep the connection for longer than the program is waited for.
    const server = createServer({ keepAliveTimeout: 120_000 }, (request, response) => {
      requests += 1;
      request.resume().on('end', () => response.end());
    });
    server.on('connection', () => {
      connections += 1;
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/traces`;
      const program = await run('idleConnection', { input: { url, as } });
      expect(program).toMatchObject(ENDED_WELL);
      expect({ requests, connections }).toEqual({ requests: 2, connections: 1 });
      // The HTTP client's own, which checks its connections, does not hold the process.
      const { holding, armedBy } = program.one('idle').timers as { holding: number; armedBy: string[] };
      expect({ holding, ours: armedBy.filter((whose) => whose === 'spanflow') }).toEqual(NO_OURS);
    } finally {
      server.close().closeAllConnections();
    }
  });
});
