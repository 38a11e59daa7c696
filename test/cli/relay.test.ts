import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, onTestFinished, test } from 'vitest';
import { relayArguments } from '../../src/cli/relay/arguments.ts';
import { decodeTraces } from '../../src/otlp/index.ts';
import type { OtlpBackend } from '../../src/testing/index.ts';
import { JSON_TYPE, jsonOf, post } from '../inputs/otlpReceiver/support.ts';
import { get } from '../relay/support.ts';
import { startBackend } from '../support/httpExports.ts';
import { closedPort } from '../support/httpServer.ts';
import { seededRandom } from '../support/random.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';
import { type RelayProcess, startRelay } from './relayProcess.ts';
import { spanflow } from './spanflow.ts';

const originOf = ({ url }: { readonly url: string }) => new URL(url).origin;
const namesAt = ({ requests }: OtlpBackend) =>
  requests.filter(({ answer }) => answer === 'ok').flatMap(({ body }) => decodeTraces(body).map(({ name }) => name));

function fileOf(name: string, text: string): string {
  const file = join(temporaryFolder(), name);
  writeFileSync(file, text);
  return file;
}

const configTo = (backend: OtlpBackend) =>
  JSON.stringify({ batch: { scheduledDelayMillis: 5 }, send: { main: { url: originOf(backend) } } });

/** One span in one request. What is not answered, or not with 200, is sent again, as a sender does it. */
async function deliver(url: string, name: string): Promise<void> {
  for (;;) {
    // A connection that was handed to a worker as it died is never answered.
    const request = { method: 'POST', body: jsonOf(name), headers: JSON_TYPE, signal: AbortSignal.timeout(30_000) };
    const posted = await fetch(`${url}/v1/traces`, request).catch(() => undefined);
    if (posted?.status === 200) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const SENDER = `
  const [url, body] = process.argv.slice(1);
  for (let index = 0; ; index += 1) {
    const name = 'sent ' + index;
    const headers = { 'content-type': 'application/json' };
    const { status } = await fetch(url, { method: 'POST', headers, body: body.replace('NAME', name) });
    if (status === 200) process.stdout.write(name + '\\n');
  }`;

/** A process that sends one request after the other and tells which were answered 200. It is killed when so many were, while another one is under way. */
function senderTo(url: string, count: number): { readonly killed: Promise<unknown>; readonly told: readonly string[] } {
  const args = ['--input-type=module', '--eval', SENDER, `${url}/v1/traces`, jsonOf('NAME')];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const told: string[] = [];
  createInterface(child.stdout).on('line', (name) => {
    told.push(name);
    if (told.length === count) child.kill('SIGKILL');
  });
  return { killed: once(child, 'close'), told };
}

describe('spanflow relay', { timeout: 160_000 }, () => {
  test('takes OTLP in and sends it on; SIGTERM drains, and the exit code is 0', async () => {
    const backend = await startBackend();
    const running = await startRelay(['--to', originOf(backend), '--grpc', '0', '--admin', '0']);
    expect(running.grpc).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect(await get(`${running.admin}/readyz`)).toEqual({ status: 200, text: 'ok\n' });
    expect((await post(running.url, jsonOf('one'), JSON_TYPE)).status).toBe(200);
    // It was answered when it was in the queue, and waits there for others.
    expect(await running.end('SIGTERM')).toBe(0);
    expect([namesAt(backend), running.errors()]).toEqual([['one'], '']);
    expect(running.output()).toMatch(/ready\ndrained: [01] delivered, 0 lost\n$/);
  });

  test('what cannot be sent within the time for the shutdown is lost, and the exit code is 1', async () => {
    const backend = await startBackend({ answers: 'hang' });
    const running = await startRelay(['--to', originOf(backend), '--shutdown-timeout', '0.5']);
    await post(running.url, jsonOf('one'), JSON_TYPE);
    expect(await running.end('SIGTERM')).toBe(1);
    expect(running.output()).toContain('drained: 0 delivered, 1 lost; backend(traces): 1 lost');
  });

  test('what only a destination that is not required loses is told by its name, and the exit code is 0', async () => {
    const backend = await startBackend();
    const dead = { url: `http://127.0.0.1:${await closedPort()}`, signals: ['traces'], required: false };
    const slow = { ...dead, url: originOf(await startBackend({ answers: 'hang' })) };
    const config = { batch: { scheduledDelayMillis: 5 }, send: { main: { url: originOf(backend) }, dead, slow } };
    const file = fileOf('relay.json', JSON.stringify(config));
    const running = await startRelay(['--config', file, '--shutdown-timeout', '5']);
    await post(running.url, jsonOf('one'), JSON_TYPE);
    await backend.until(({ spans }) => spans === 1, 60_000);
    expect(await running.end('SIGTERM')).toBe(0);
    const last = running.output().trimEnd().split('\n').at(-1) ?? '';
    const [whole, ...places] = last.split('; ');
    expect(whole).toMatch(/^drained: [01] delivered, 0 lost$/);
    expect(places.sort()).toEqual(['dead(traces), not required: 1 lost', 'slow(traces), not required: 1 lost']);
  });

  test('a second signal ends it at once', async () => {
    const backend = await startBackend({ answers: 'hang' });
    const running = await startRelay(['--to', originOf(backend), '--shutdown-timeout', '600', '--admin', '0']);
    await post(running.url, jsonOf('one'), JSON_TYPE);
    running.child.kill('SIGTERM');
    await backend.until(({ inFlight }) => inFlight === 1, 60_000);
    while ((await get(`${running.admin}/readyz`)).status !== 503);
    expect(await running.end('SIGINT')).toBe(1);
    expect(running.output()).not.toContain('drained');
  });

  test('a module of the user is the way', async () => {
    const backend = await startBackend();
    const source = new URL('../../src/index.ts', import.meta.url).href;
    const file = fileOf(
      'way.mjs',
      `import { exportTo, otlpHttp, rebatch } from '${source}';
      export default ({ traces$ }) => traces$.pipe(rebatch({ scheduledDelayMillis: 1 }), exportTo(otlpHttp({ url: process.env.BACKEND })));`,
    );
    const running = await startRelay(['--module', file, '--acknowledge', 'delivered'], { BACKEND: backend.url });
    expect((await post(running.url, jsonOf('one'), JSON_TYPE)).status).toBe(200);
    expect([await running.end('SIGINT'), namesAt(backend)]).toEqual([0, ['one']]);
  });

  test('the file is read again when it changes and at SIGHUP; a wrong one is told and changes nothing', async () => {
    const [one, two, three] = [await startBackend(), await startBackend(), await startBackend()];
    const file = fileOf('relay.json', configTo(one));
    const running = await startRelay(['--config', file, '--acknowledge', 'delivered', '--admin', '0']);
    await deliver(running.url, 'first');
    writeFileSync(file, '{ "send": { "main": { "url": "nowhere" } } }');
    await running.told('is wrong, so nothing has changed: relay.send.main.url must be');
    writeFileSync(file, '{ "send": ');
    await running.told(`is wrong, so nothing has changed: ${file} cannot be read`);
    rmSync(file);
    await running.told('relay.json is gone, and what it said last stays');
    await deliver(running.url, 'second');
    // As an editor saves, or Kubernetes: another file takes its place.
    const next = `${file}.next`;
    writeFileSync(next, configTo(two));
    renameSync(next, file);
    await running.told('the configuration was read again, and holds from now on');
    await deliver(running.url, 'third');
    writeFileSync(file, JSON.stringify({ ...JSON.parse(configTo(three)), receive: { maxQueueSize: 5 } }));
    running.child.kill('SIGHUP');
    await running.told('what is new in receive needs a restart');
    await deliver(running.url, 'fourth');
    expect([one, two, three].map(namesAt)).toEqual([['first', 'second'], ['third'], ['fourth']]);
    const metrics = (await get(`${running.admin}/metrics`)).text;
    // At least: a file may be seen while it is being written, and a change both by the watcher and by the signal.
    expect(metrics).toMatch(/^spanflow_relay_refused_reloads_total [2-9]$/m);
    expect(metrics).toMatch(/^spanflow_relay_reloads_total [2-9]$/m);
    expect(await running.end('SIGTERM')).toBe(0);
  });

  test.each<[args: readonly string[], message: string]>([
    [[], 'relay needs --to URL, --config FILE or --module FILE'],
    [['--to', 'http://x', '--config', 'y'], 'relay takes one of --to, --config and --module'],
    [['--to', 'http://x', '--http', 'here'], '--http must be HOST:PORT, such as 127.0.0.1:4318, and is here'],
    [['--to', 'http://x', '--workers', '0'], '--workers must be a whole number from 1 to 1024, and is 0'],
    [['--to', 'http://x', '--shutdown-timeout', 'x'], '--shutdown-timeout must be a number of seconds above 0'],
    [['--to', 'http://x', '--speed', '1'], "Unknown option '--speed'"],
  ])('the arguments %j are refused', (args, message) => {
    expect(() => relayArguments(args)).toThrow(message);
  });

  test('flags go over what the file says', () => {
    const file = { receive: { maxQueueSize: 5, http: { port: 1, maxConnections: 3 } }, admin: { port: 2 } };
    const flags = ['--http', '[::1]:4000', '--grpc', '4001', '--acknowledge', 'delivered', '--shutdown-timeout', '2.5'];
    expect(relayArguments(['--config', 'x', ...flags]).over(file)).toEqual({
      receive: {
        maxQueueSize: 5,
        http: { host: '::1', port: 4_000, maxConnections: 3 },
        grpc: { port: 4_001 },
        acknowledge: 'delivered',
      },
      admin: { port: 2 },
      shutdownTimeoutMillis: 2_500,
    });
  });

  test('wrong values of flags are told by their paths in the configuration', async () => {
    const run = await spanflow(['relay', '--to', 'x', '--acknowledge', 'later']);
    expect([run.code, run.stdout]).toEqual([2, '']);
    expect(run.stderr).toContain("relay.receive.acknowledge must be one of 'accepted', 'delivered'");
    expect(run.stderr).toContain('relay.send.backend.url must be');
    expect(run.stderr).toContain('spanflow relay --help says how it is called');
  });

  test('a file that is no configuration, or absent, and a module without a function are told', async () => {
    const run = await spanflow(['relay', '--config', fileOf('relay.yaml', 'send:\n  main:\n    ulr: http://x\n')]);
    expect([run.code, run.stderr]).toEqual([
      2,
      expect.stringContaining("relay.send.main.ulr must be one of the known options; did you mean 'url'?"),
    ]);
    expect(await spanflow(['relay', '--config', '/absent'])).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^spanflow: the configuration cannot be read: ENOENT.*\n.*--help says/),
    });
    expect(await spanflow(['relay', '--module', '/absent.js'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('/absent.js cannot be loaded: '),
    });
    const module = await spanflow(['relay', '--module', fileOf('way.mjs', 'export default 3;')]);
    expect([module.code, module.stderr]).toEqual([
      2,
      expect.stringContaining('must have a function as its default export'),
    ]);
  });

  test('a variable that is not set is named', async () => {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: references to variables are written so
    const file = fileOf('relay.json', '{ "send": { "main": { "url": "${NOPE_URL}" } } }');
    const run = await spanflow(['relay', '--config', file]);
    const [variable, mistake] = run.stderr.split('\n');
    expect([run.code, variable]).toEqual([
      2,
      `spanflow: variables that are not set stand for nothing in ${file}: NOPE_URL at "url"`,
    ]);
    expect(mistake).toMatch(/^spanflow: relay\.send\.main\.url must be [^;]*$/);
  });
});

describe('a package that is not there ends it with 2', { timeout: 160_000 }, () => {
  const without = (name: string) => {
    const hook = `const Module = require('node:module');
      const resolve = Module._resolveFilename;
      Module._resolveFilename = (name, ...rest) => {
        if (name === '${name}') throw new Error('absent');
        return resolve(name, ...rest);
      };`;
    return { NODE_OPTIONS: `--require ${fileOf('hook.cjs', hook)}` };
  };

  test('for a configuration in YAML', async () => {
    const run = await spanflow(['relay', '--config', fileOf('relay.yaml', 'send:\n')], { env: without('yaml') });
    expect([run.code, run.stderr.split('\n')[0]]).toEqual([
      2,
      'spanflow: a configuration in YAML needs the package yaml, which is not installed: npm install yaml',
    ]);
  });

  test.each(['1', '2'])('for gRPC, with --workers %s', async (workers) => {
    const args = ['--to', 'http://127.0.0.1:9', '--grpc', '0', '--workers', workers];
    const run = await spanflow(['relay', ...args], { env: without('@grpc/grpc-js') });
    expect([run.code, run.stderr]).toEqual([2, expect.stringContaining('npm install @grpc/grpc-js')]);
  });
});

describe('with workers', { timeout: 160_000 }, () => {
  const workersOf = async ({ admin }: RelayProcess) => {
    const stats = JSON.parse((await get(`${admin}/stats`)).text) as {
      readonly crashes: number;
      readonly workers: readonly {
        readonly pid: number;
        readonly stats?: { readonly generation: number; readonly receiver: { readonly requests: number } };
      }[];
    };
    return { ...stats, running: stats.workers.filter(({ stats }) => stats !== undefined) };
  };

  test('two share the ports, and one admin server tells of both', async () => {
    const backend = await startBackend();
    const running = await startRelay([
      '--to',
      originOf(backend),
      '--workers',
      '2',
      '--admin',
      '0',
      '--grpc',
      '0',
      '--acknowledge',
      'delivered',
    ]);
    // Each request on a connection of its own: a process keeps those that it has accepted.
    const alone = { ...JSON_TYPE, connection: 'close' };
    for (let index = 0; index < 8; index += 1)
      expect((await post(running.url, jsonOf(`span ${index}`), alone)).status).toBe(200);
    const { workers } = await workersOf(running);
    const requests = workers.map(({ stats }) => stats?.receiver.requests ?? 0);
    expect([requests.reduce((sum, count) => sum + count, 0), Math.min(...requests) > 0]).toEqual([8, true]);
    const metrics = (await get(`${running.admin}/metrics`)).text.split('\n');
    expect(metrics).toEqual(
      expect.arrayContaining([
        'spanflow_relay_requests_total 8',
        'spanflow_relay_items_total{stage="backend(traces)",fate="delivered"} 8',
        'spanflow_relay_workers 2',
        'spanflow_relay_worker_crashes_total 0',
      ]),
    );
    expect([await running.end('SIGTERM'), backend.spans, running.errors()]).toEqual([0, 8, '']);
  });

  test('a reload reaches both', async () => {
    const [one, two] = [await startBackend(), await startBackend()];
    const file = fileOf('relay.json', configTo(one));
    const running = await startRelay([
      '--config',
      file,
      '--workers',
      '2',
      '--acknowledge',
      'delivered',
      '--admin',
      '0',
    ]);
    writeFileSync(file, configTo(two));
    await running.told('the configuration was read again, and holds from now on');
    const generations = async () => (await workersOf(running)).workers.map(({ stats }) => stats?.generation).join();
    while ((await generations()) !== '2,2');
    writeFileSync(file, '{ "send": ');
    await running.told('so nothing has changed');
    // Each counts once, and not once for each worker.
    const metrics = (await get(`${running.admin}/metrics`)).text;
    expect(metrics).toContain('spanflow_relay_reloads_total 1\n');
    expect(metrics).toMatch(/^spanflow_relay_refused_reloads_total [1-9]$/m);
    const alone = { ...JSON_TYPE, connection: 'close' };
    for (let index = 0; index < 4; index += 1) await post(running.url, jsonOf(`span ${index}`), alone);
    expect([one.spans, two.spans]).toEqual([0, 4]);
    expect(await running.end('SIGTERM')).toBe(0);
  });

  test('statistics can be asked for any number of times', async () => {
    const running = await startRelay(['--to', 'http://127.0.0.1:9', '--workers', '2', '--admin', '0']);
    // Beyond 10 listeners of one event, Node warns of a leak.
    for (let scrape = 0; scrape < 12; scrape += 1)
      expect((await get(`${running.admin}/metrics`)).text).toContain('spanflow_relay_workers 2');
    expect([await running.end('SIGTERM'), running.errors()]).toEqual([0, '']);
  });

  test('a module may send messages of its own to the primary process', async () => {
    const file = fileOf(
      'way.mjs',
      `for (const message of ['ready', null, { kind: 'other' }]) process.send?.(message);
      export default ({ traces$ }) => traces$;`,
    );
    const running = await startRelay(['--module', file, '--workers', '2', '--admin', '0']);
    const { crashes, running: workers } = await workersOf(running);
    expect([crashes, workers.length]).toEqual([0, 2]);
    expect([await running.end('SIGTERM'), running.errors()]).toEqual([0, '']);
  });

  test('they drain for as long as a timer can wait', async () => {
    const longest = ['--shutdown-timeout', '2147483.647'];
    const running = await startRelay(['--to', 'http://127.0.0.1:9', '--workers', '2', ...longest]);
    // A timer that is longer fires at once, and Node warns of it.
    expect([await running.end('SIGTERM'), running.errors()]).toEqual([0, '']);
  });

  test('a port that is in use ends all of it', async () => {
    const port = await closedPort();
    const first = await startRelay(['--to', 'http://127.0.0.1:9', '--http', String(port)]);
    const run = await spanflow(['relay', '--to', 'http://127.0.0.1:9', '--http', String(port), '--workers', '2']);
    expect([run.code, run.stderr]).toEqual([1, expect.stringContaining(`port ${port} is in use`)]);
    await first.end('SIGTERM');
  });
});

describe("'delivered': what was answered 200 has arrived", { timeout: 160_000 }, () => {
  const SEEDS = [1, 2];
  const names = Array.from({ length: 60 }, (_, index) => `span ${index}`);

  /** Sends all, some at a time, and breaks something in between. */
  async function sendAll(url: string, random: () => number, breaking: () => Promise<void> | void): Promise<void> {
    const at = Math.floor(random() * 40) + 5;
    let started = 0;
    const sendNext = async (): Promise<void> => {
      const name = names[started];
      started += 1;
      if (name === undefined) return;
      if (started === at) await breaking();
      await deliver(url, name);
      await sendNext();
    };
    await Promise.all(Array.from({ length: 6 }, sendNext));
  }

  test.each(SEEDS)('although a worker is killed (seed %i)', async (seed) => {
    const random = seededRandom(seed);
    const backend = await startBackend();
    const running = await startRelay([
      '--to',
      originOf(backend),
      '--workers',
      '2',
      '--admin',
      '0',
      '--acknowledge',
      'delivered',
    ]);
    const { workers } = JSON.parse((await get(`${running.admin}/stats`)).text) as {
      readonly workers: readonly { readonly pid: number }[];
    };
    await sendAll(running.url, random, () => {
      const victim = workers[Math.floor(random() * 2)];
      process.kill(victim?.pid ?? 0, 'SIGKILL');
    });
    expect(names.filter((name) => !namesAt(backend).includes(name))).toEqual([]);
    // Another one has taken its place.
    await running.told('a worker has ended (SIGKILL); another one is started');
    const ready = async () => (await get(`${running.admin}/metrics`)).text.includes('spanflow_relay_workers 2');
    while (!(await ready()));
    expect((await get(`${running.admin}/metrics`)).text).toContain('spanflow_relay_worker_crashes_total 1');
    expect(await running.end('SIGTERM')).toBe(0);
  });

  test.each(SEEDS)('although the backend goes away and comes back (seed %i)', async (seed) => {
    const random = seededRandom(seed);
    const port = await closedPort();
    const before = await startBackend({ port });
    let after: OtlpBackend | undefined;
    const file = fileOf(
      'relay.json',
      JSON.stringify({
        receive: { acknowledge: 'delivered', retryAfterMillis: 0 },
        batch: { scheduledDelayMillis: 2 },
        send: { main: { url: `http://127.0.0.1:${port}`, retry: { maxAttempts: 1 } } },
      }),
    );
    const running = await startRelay(['--config', file]);
    await sendAll(running.url, random, async () => {
      await before.close();
      after = await startBackend({ port });
    });
    const arrived = [before, after].flatMap((backend) => (backend === undefined ? [] : namesAt(backend)));
    expect(names.filter((name) => !arrived.includes(name))).toEqual([]);
    expect(await running.end('SIGTERM')).toBe(0);
  });

  test.each(SEEDS)('although the sender is killed (seed %i)', async (seed) => {
    const random = seededRandom(seed);
    const backend = await startBackend();
    const running = await startRelay(['--to', originOf(backend), '--acknowledge', 'delivered']);
    const { killed, told } = senderTo(running.url, Math.floor(random() * 20) + 5);
    await killed;
    await deliver(running.url, 'after it');
    expect(told.filter((name) => !namesAt(backend).includes(name))).toEqual([]);
    expect([told.length >= 5, await running.end('SIGTERM')]).toEqual([true, 0]);
  });
});
