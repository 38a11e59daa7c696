import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run } from './child.ts';

const ENDED_WELL = { code: 0, signal: null, faults: [], stderr: '' };

describe('the import and the construction of the default pipeline', () => {
  it('load no module of Node that is for connections, files of certificates, compression or statistics', async () => {
    const program = await run('startUpBuiltins');
    expect(program).toMatchObject(ENDED_WELL);
    const { imported, constructed, exported } = program.one('loaded') as unknown as Record<string, string[]>;
    // Without `net`, which Node loads for an output that is a pipe. That of the built package is in `test/package`.
    const later = ['crypto', 'dns', 'http', 'https', 'internal/blocklist', 'perf_hooks', 'tls', 'v8', 'zlib'];
    expect(imported?.filter((name) => later.includes(name))).toEqual([]);
    expect(constructed?.filter((name) => later.includes(name))).toEqual([]);
    // What the list is worth: an export loads these.
    expect(exported).toEqual(expect.arrayContaining(['http', 'perf_hooks', 'tls', 'v8']));
  });
});

describe('undici', () => {
  let requests = 0;
  const server = createServer((request, response) => {
    requests += 1;
    request.resume().on('end', () => response.end());
  });
  const start = (then: string) => {
    const { port } = server.address() as AddressInfo;
    return run('startUp', { input: { then, url: `http://127.0.0.1:${port}/v1/traces` } });
  };
  beforeAll(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)));
  afterAll(() => void server.close().closeAllConnections());

  it('is not loaded by the import and the construction of the default pipeline', async () => {
    const program = await start('end');
    expect(program).toMatchObject(ENDED_WELL);
    expect(program.one('constructed')).toMatchObject({ isLoaded: false });
    expect(program.one('exit')).toMatchObject({ isLoaded: false });
  });

  it('is loaded while the program is idle, and leaves no timer', async () => {
    const program = await start('wait');
    expect(program).toMatchObject(ENDED_WELL);
    expect(program.one('constructed')).toMatchObject({ isLoaded: false });
    expect(program.one('idle').timers).toEqual({ holding: 0, armedBy: [] });
  });

  it('is loaded by an export that comes first, be it the drain at exit', async () => {
    requests = 0;
    const program = await start('export');
    expect(program).toMatchObject(ENDED_WELL);
    expect(program.one('exit')).toMatchObject({ isLoaded: true });
    expect(requests).toBe(1);
  });

  it('is not loaded by a sink that has a dispatcher of the user', async () => {
    const program = await start('exportByDispatcher');
    expect(program).toMatchObject(ENDED_WELL);
    expect(program.one('exit')).toMatchObject({ isLoaded: false });
  });
});
