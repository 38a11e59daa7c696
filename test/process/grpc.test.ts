import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { blackholePort } from '../support/blackhole.ts';
import { grpcBackend } from '../support/grpcBackend.ts';
import { closedPort } from '../support/httpServer.ts';
import { run } from './child.ts';

const ENDED_WELL = { code: 0, signal: null, faults: [], stderr: '' };
/** A system gives up an attempt to connect after two minutes, or later. */
const boundMillis = 110_000;

describe('a program that has exported over gRPC', () => {
  it('ends by itself while its connection is idle', async () => {
    const backend = await grpcBackend();
    const program = await run('grpc', { input: { url: backend.url, timeoutMillis: 30_000 }, boundMillis });
    expect(program).toMatchObject(ENDED_WELL);
    expect(program.one('answered')).toMatchObject({ response: {}, timers: { holding: 0 } });
    expect(backend.arrivals).toHaveLength(1);
  });

  it('leaves no timer and no connection behind, at whichever moment of an export its sink was shut down', async () => {
    const backend = await grpcBackend({ answers: 'never' });
    const program = await run('grpcClosed', { input: { url: backend.url }, boundMillis });
    expect(program).toMatchObject(ENDED_WELL);
    expect(program.all('released')).toHaveLength(1);
    await backend.until(({ openConnections }) => openConnections === 0);
  });

  it.each([
    ['refuses', closedPort],
    ['does not answer', blackholePort],
  ])('ends by itself after its time where the host %s', async (_, portOf) => {
    const url = `http://127.0.0.1:${await portOf()}`;
    const program = await run('grpc', { input: { url, timeoutMillis: 500 }, boundMillis });
    expect(program).toMatchObject(ENDED_WELL);
    expect(program.one('answered')).toMatchObject({ failure: expect.any(String), timers: { holding: 0 } });
  });
});

describe('@grpc/grpc-js', () => {
  const src = join(import.meta.dirname, '..', '..', 'src');

  it('is loaded by no import of spanflow, and by spanflow/grpc at the first export or while the program is idle', async () => {
    const code = `
      import { createRequire } from 'node:module';
      const loaded = () => Object.keys(createRequire(import.meta.url).cache).some((path) => path.includes('grpc-js'));
      await import(${JSON.stringify(join(src, 'index.ts'))});
      const { otlpGrpc } = await import(${JSON.stringify(join(src, 'sinks', 'otlpGrpc', 'index.ts'))});
      otlpGrpc({ environment: {} });
      const before = loaded();
      while (!loaded()) await new Promise((resolve) => setTimeout(resolve, 20));
      console.log(before);
    `;
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', code]);
    expect(stdout.trim()).toBe('false');
  });

  it('is named with the command that installs it, at the call, where it is missing', async () => {
    const code = `
      import Module from 'node:module';
      const resolve = Module._resolveFilename;
      Module._resolveFilename = (name, ...rest) => {
        if (name === '@grpc/grpc-js') throw new Error("Cannot find module '@grpc/grpc-js'");
        return resolve(name, ...rest);
      };
      const { otlpGrpc } = await import(${JSON.stringify(join(src, 'sinks', 'otlpGrpc', 'index.ts'))});
      try {
        otlpGrpc({ environment: {} });
      } catch ({ code, message }) {
        console.log(JSON.stringify({ code, message }));
      }
    `;
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', code]);
    expect(JSON.parse(stdout)).toEqual({
      code: 'MISSING_PACKAGE',
      message:
        "otlpGrpc needs the package @grpc/grpc-js, which cannot be loaded: npm install @grpc/grpc-js (Cannot find module '@grpc/grpc-js')",
    });
  });
});
