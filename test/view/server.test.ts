import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { type AddressInfo, connect, createServer, Server } from 'node:net';
import { VirtualTimeScheduler } from 'rxjs';
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import type { InvalidOptionError } from '../../src/index.ts';
import { type LiveView, type LiveViewOptions, liveView } from '../../src/view/index.ts';
import { refusalOf } from '../../src/view/server/requestGuard.ts';
import { booksOf, FakePipeline } from './support.ts';

/** Waits for a condition, for as long as a busy machine may need. */
const until: typeof expect.poll = (read) => expect.poll(read, { timeout: 60_000 });

const open: LiveView[] = [];
const streams: IncomingMessage[] = [];

afterEach(async () => {
  for (const stream of streams.splice(0)) stream.destroy();
  await Promise.all(open.splice(0).map((view) => view.close()));
});

async function viewOf(options: LiveViewOptions = {}, pipeline = new FakePipeline()): Promise<LiveView> {
  const view = await liveView(pipeline, options);
  open.push(view);
  return view;
}

/** As a browser would, or as an attacker makes it. */
async function ask(view: LiveView, path: string, headers: Record<string, string> = {}, method = 'GET') {
  const response = await answerTo(view, path, headers, method);
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk);
  return { status: response.statusCode, headers: response.headers, text: Buffer.concat(chunks).toString() };
}

async function answerTo(view: LiveView, path: string, headers: Record<string, string> = {}, method = 'GET') {
  const request = httpRequest(new URL(path, view.url), { headers, method, agent: false }).end();
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  return response;
}

/** A page that stays open until the end of the test. */
async function stream(view: LiveView): Promise<IncomingMessage> {
  const response = await answerTo(view, '/events');
  response.on('error', () => {});
  streams.push(response);
  return response;
}

const refused = async (given: Promise<unknown>) =>
  (await given.then(undefined, (error) => error)) as InvalidOptionError;

describe('what is served', () => {
  test('is a page, its style and its script, with uPlot and its licence in it, and nothing from elsewhere', async () => {
    const view = await viewOf();
    const [page, style, script] = await Promise.all(['/', '/view.css', '/view.js?x'].map((path) => ask(view, path)));
    expect([page, style, script].map((file) => [file?.status, file?.headers['content-type']])).toEqual([
      [200, 'text/html; charset=utf-8'],
      [200, 'text/css; charset=utf-8'],
      [200, 'text/javascript; charset=utf-8'],
    ]);
    expect(script?.text).toContain('The MIT License (MIT)');
    for (const file of [page, style]) expect(file?.text).not.toMatch(/(?:src|href|url)\W{0,3}https?:/);
  });

  test('may load nothing else, run no other script, be framed by nobody, and be read by no other origin', async () => {
    const { headers } = await ask(await viewOf(), '/', { origin: 'http://evil.example' });
    const policy = String(headers['content-security-policy']);
    for (const rule of [
      "default-src 'none'",
      "script-src 'self'",
      "frame-ancestors 'none'",
      "require-trusted-types-for 'script'",
    ])
      expect(policy).toContain(rule);
    expect(policy).not.toMatch(/unsafe|\*/);
    expect(headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'cross-origin-resource-policy': 'same-origin',
    });
    expect(Object.keys(headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
  });

  test('is nothing behind other paths, and cannot be written to', async () => {
    const view = await viewOf();
    const statuses = ['/favicon.ico', '/../package.json', '/__proto__', '/constructor'].map(
      async (path) => (await ask(view, path)).status,
    );
    expect(await Promise.all(statuses)).toEqual([404, 404, 404, 404]);
    expect((await ask(view, '/', {}, 'POST')).status).toBe(405);
    expect((await ask(view, '/', {}, 'HEAD')).text).toBe('');
    expect((await ask(view, '/events', {}, 'HEAD')).status).toBe(200);
  });
});

describe('a request', () => {
  test.each([
    ['evil.example', 421],
    ['evil.example:80', 421],
    ['localhost.evil.example', 421],
    ['127.0.0.1.evil.example', 421],
    ['169.254.169.254', 421],
    ['localhost', 200],
    ['LOCALHOST:9000', 200],
    ['127.0.0.1:1', 200],
    ['[::1]:4321', 200],
  ])('to the host %j is answered %i: a name could be rebound', async (host, status) => {
    expect((await ask(await viewOf(), '/', { host })).status).toBe(status);
  });

  test('without a host is refused', () => {
    for (const headers of [{}, { host: '' }, { host: 'a:b:c' }])
      expect(refusalOf({ method: 'GET', headers }, { host: '127.0.0.1', reach: 'network' })?.status).toBe(421);
  });

  test('to an address is welcome where the network is; to a name only if it was given', async () => {
    const view = await viewOf({ host: '0.0.0.0', reach: 'network' });
    const local = { ...view, url: view.url.replace('0.0.0.0', '127.0.0.1') };
    expect((await ask(local, '/', { host: '10.1.2.3:4321' })).status).toBe(200);
    expect((await ask(local, '/', { host: 'evil.example' })).status).toBe(421);
  });

  test.each([
    ['cross-site', 403],
    ['same-site', 403],
    ['same-origin', 200],
  ])('for the stream by a %s page is answered %i', async (site, status) => {
    const response = await answerTo(await viewOf(), '/events', { 'sec-fetch-site': site });
    expect(response.statusCode).toBe(status);
    response.destroy();
  });
});

describe('the stream', () => {
  test('begins with what was kept', async () => {
    const [chunk] = await once(await stream(await viewOf()), 'data');
    expect(String(chunk)).toMatch(/^event: hello\ndata: \{"sample":.*\}\n\n$/);
  });

  test('is for eight pages at a time; one that has gone makes room', async () => {
    const pipeline = new FakePipeline();
    const view = await viewOf({}, pipeline);
    const pages = await Promise.all(Array.from({ length: 8 }, () => stream(view)));
    const ninth = await ask(view, '/events');
    expect([ninth.status, ninth.text]).toEqual([503, '8 pages are open: close one of them.\n']);
    for (const page of pages) page.destroy();
    await until(() => pipeline.outcomes$.observed).toBe(false);
    expect((await stream(view)).statusCode).toBe(200);
  });

  test('queues nothing for a page that reads nothing, and ends its connection after half a minute', async () => {
    const pipeline = new FakePipeline();
    const huge = 'r'.repeat(40_000_000); // more than the system buffers
    pipeline.books = { ...pipeline.books, routes: { [huge]: booksOf() } };
    const scheduler = new VirtualTimeScheduler();
    const view = await viewOf({ scheduler }, pipeline);
    const socket = connect(Number(new URL(view.url).port), '127.0.0.1').pause();
    socket.write('GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await until(() => pipeline.outcomes$.observed).toBe(true);
    pipeline.books = booksOf();
    const pass = (millis: number) => {
      scheduler.maxFrames = scheduler.frame + millis;
      scheduler.flush();
    };
    pass(30_000);
    expect(pipeline.outcomes$.observed).toBe(true);
    pass(500);
    await until(() => pipeline.outcomes$.observed).toBe(false);
    socket.destroy();
  });
});

describe('the life of a view', () => {
  test('ends at once, with open pages, and leaves the port free', async () => {
    const view = await viewOf();
    const page = await stream(view);
    const ended = new Promise((resolve) => page.on('close', resolve));
    const closing = view.close();
    expect(view.close()).toBe(closing);
    await Promise.all([closing, ended]);
    const next = await viewOf({ port: Number(new URL(view.url).port) });
    expect(next.url).toBe(view.url);
  });

  test('is disposed of with `await using`', async () => {
    const pipeline = new FakePipeline();
    {
      await using view = await liveView({ shop: pipeline });
      expect(view.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/$/);
      expect(pipeline.stats$.observed).toBe(true);
    }
    expect(pipeline.stats$.observed).toBe(false);
  });

  test('does not begin on a port in use: the error names the next step, and nothing stays subscribed', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const pipeline = new FakePipeline();
    const error = await refused(liveView(pipeline, { port }));
    other.close();
    expect(error).toMatchObject({
      code: 'CANNOT_LISTEN',
      message: `liveView cannot listen on 127.0.0.1: port ${port} is in use: choose another one, or port: 0 for any that is free (url tells which)`,
    });
    expect(pipeline.stats$.observed).toBe(false);
  });

  test('takes 64 connections at a time', async () => {
    const port = Number(new URL((await viewOf()).url).port);
    const sockets = Array.from({ length: 65 }, () => connect(port, '127.0.0.1').on('error', () => {}));
    const refusals = sockets.map((socket) => new Promise<number>((resolve) => socket.on('close', () => resolve(1))));
    expect(await Promise.race(refusals)).toBe(1);
    expect(sockets.filter(({ closed }) => closed)).toHaveLength(1);
    for (const socket of sockets) socket.destroy();
  });

  test('goes on when connections could not be accepted, however often', async () => {
    const listen = vi.spyOn(Server.prototype, 'listen');
    onTestFinished(() => listen.mockRestore());
    const view = await viewOf();
    const [server] = listen.mock.contexts as [Server];
    for (let count = 0; count < 2; count += 1) server.emit('error', new Error('accept EMFILE'));
    expect((await ask(view, '/')).status).toBe(200);
  });

  test('is reached over IPv6 where it listens there', async () => {
    const view = await viewOf({ host: '::1' });
    expect(view.url).toMatch(/^http:\/\/\[::1\]:\d+\/$/);
    expect((await ask(view, '/')).status).toBe(200);
  });
});

describe('wrong options', () => {
  const pipeline = new FakePipeline();

  test.each([
    [{ port: 70_000 }, 'liveView.port must be a whole number from 0 to 65535, but was given 70000'],
    [{ prot: 1 }, "did you mean 'port'?"],
    [{ reach: 'all' }, "liveView.reach must be one of 'loopback', 'network', but was given \"all\""],
    [{ host: '0.0.0.0' }, "liveView.host must be 127.0.0.1, ::1 or localhost, unless reach is 'network'"],
    [{ host: '127.evil.example' }, 'liveView.host must be 127.0.0.1'],
    [{ host: '' }, 'liveView.host must be 127.0.0.1'],
  ])('%j are refused', async (options, message) => {
    const error = await refused(liveView(pipeline, options as LiveViewOptions));
    expect([error.code, error.message]).toEqual(['INVALID_OPTION', expect.stringContaining(message)]);
  });

  test.each([
    [undefined, 'liveView.pipelines must be a pipeline'],
    [{}, 'liveView.pipelines must be at least one pipeline'],
    [{ shop: {} }, 'liveView.pipelines.shop must be a pipeline'],
    [{ stats() {} }, 'liveView.pipelines.pipeline.stats$ must be an Observable'],
    [{ stats() {}, stats$: pipeline.stats$ }, 'liveView.pipelines.pipeline.outcomes$ must be an Observable'],
  ])('and so is %j as a pipeline', async (given, message) => {
    const error = await refused(liveView(given as never));
    expect([error.code, error.message]).toEqual(['INVALID_OPTION', expect.stringContaining(message)]);
  });
});
