import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { cannotListen } from '../../internal/cannotListen.ts';
import type { Feed, Page } from '../feed/feed.ts';
import type { LiveViewSettings } from '../options.ts';
import type { PageFiles } from '../pageFiles.ts';
import { isFromElsewhere, refusalOf } from './requestGuard.ts';

/** Pages that are open at a time, at most; and connections of any kind. */
const MAX_PAGES = 8;
const MAX_CONNECTIONS = 64;

/** Nothing but what this server serves is loaded, nothing frames the page, and no text can become HTML. */
const HEADERS = Object.freeze({
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; " +
    "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'cache-control': 'no-store',
});

interface File {
  readonly type: string;
  readonly text: string;
}

/** Serves the page and its stream of messages. It never keeps the process alive. */
export class ViewServer {
  readonly #feed: Feed;
  readonly #settings: LiveViewSettings;
  readonly #files: Readonly<Record<string, File>>;
  readonly #server: Server;

  constructor(feed: Feed, settings: LiveViewSettings, { html, style, script }: PageFiles) {
    this.#feed = feed;
    this.#settings = settings;
    this.#files = {
      '/': { type: 'text/html', text: html },
      '/view.css': { type: 'text/css', text: style },
      '/view.js': { type: 'text/javascript', text: script },
    };
    this.#server = createServer((request, response) => this.#answer(request, response));
    this.#server.maxConnections = MAX_CONNECTIONS;
    this.#server.on('connection', (socket) => socket.unref());
  }

  get url(): string {
    const { address, port } = this.#server.address() as AddressInfo;
    return `http://${address.includes(':') ? `[${address}]` : address}:${port}/`;
  }

  listen(): Promise<void> {
    const { port, host } = this.#settings;
    return new Promise((resolve, reject) => {
      // For the whole life of the server: a connection that cannot be accepted later must not end the program that is observed.
      const freePort = 'port: 0 for any that is free (url tells which)';
      const what = `liveView cannot listen on ${host}`;
      this.#server.on('error', (cause) => reject(cannotListen(what, { cause, host, port }, freePort)));
      this.#server.listen({ port, host }, resolve).unref();
    });
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    // A connection that breaks while it is written to is the end of a page, and nothing else.
    response.on('error', () => {});
    const refusal = refusalOf(request, this.#settings);
    const [path = ''] = (request.url ?? '').split('?');
    const file = Object.hasOwn(this.#files, path) ? this.#files[path] : undefined;
    if (refusal !== undefined) answerText(response, refusal.status, refusal.text);
    else if (path === '/events') this.#stream(request, response);
    else if (file === undefined) answerText(response, 404, 'There is nothing here: the page is at /');
    else response.writeHead(200, { ...HEADERS, 'content-type': `${file.type}; charset=utf-8` }).end(file.text);
  }

  #stream(request: IncomingMessage, response: ServerResponse): void {
    if (isFromElsewhere(request)) answerText(response, 403, 'This stream is for the page of this server.');
    else if (this.#feed.pages >= MAX_PAGES)
      answerText(response, 503, `${MAX_PAGES} pages are open: close one of them.`);
    else if (request.method === 'HEAD') answerText(response, 200, '');
    else {
      response.writeHead(200, { ...HEADERS, 'content-type': 'text/event-stream; charset=utf-8' });
      response.on('close', this.#feed.open(pageOf(response)));
    }
  }
}

function pageOf(response: ServerResponse): Page {
  return {
    get isReady() {
      return response.writableLength === 0;
    },
    send: (event, data) => void response.write(`event: ${event}\ndata: ${data}\n\n`),
    giveUp: () => response.destroy(),
  };
}

function answerText(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { ...HEADERS, 'content-type': 'text/plain; charset=utf-8' }).end(`${text}\n`);
}
