import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { cannotListen } from '../../internal/cannotListen.ts';
import { untraced } from '../../internal/tracingSuppression.ts';
import { messageOf } from '../../model/errors.ts';
import { prometheusText, type RelayFigures } from '../stats/figures.ts';

/** More connections than a few probes and scrapers need. */
const MAX_CONNECTIONS = 64;

/** What the server tells of. */
export interface AdminSource {
  /** Why no request should come here now; `undefined`: they may. */
  notReady(): string | undefined;
  /** Why the process should be replaced; `undefined`: it should not. */
  notAlive(): string | undefined;
  figures(): RelayFigures | Promise<RelayFigures>;
  /** What JSON can hold. */
  stats(): unknown;
}

interface Answer {
  readonly status?: number;
  readonly type?: string;
  readonly text: string;
}

const PROMETHEUS = 'text/plain; version=0.0.4; charset=utf-8';
const NOTHING_HERE = 'There is nothing here: there is /livez, /readyz, /metrics and /stats';

/** Serves the state of a relay to probes and scrapers. It never keeps the process alive. */
export class AdminServer {
  readonly #source: AdminSource;
  readonly #server: Server;

  constructor(source: AdminSource) {
    this.#source = source;
    this.#server = createServer((request, response) => void this.#answer(request, response));
    this.#server.maxConnections = MAX_CONNECTIONS;
    this.#server.on('connection', (socket) => socket.unref());
  }

  /** @returns the URL */
  listen({ host, port }: { readonly host: string; readonly port: number }): Promise<string> {
    return new Promise((resolve, reject) => {
      // For the whole life of the server: a connection that cannot be accepted later must not end the program.
      const freePort = 'port: 0 for any that is free (address tells which)';
      const what = `relay.admin cannot listen on ${host}`;
      this.#server.on('error', (cause) => reject(cannotListen(what, { cause, host, port }, freePort)));
      untraced(() => this.#server.listen({ host, port }, () => resolve(this.#url)).unref());
    });
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  get #url(): string {
    const { address, port } = this.#server.address() as AddressInfo;
    return `http://${address.includes(':') ? `[${address}]` : address}:${port}`;
  }

  async #answer({ method = '', url = '' }: IncomingMessage, response: ServerResponse): Promise<void> {
    response.on('error', () => {});
    const isRead = method === 'GET' || method === 'HEAD';
    const failed = (thrown: unknown): Answer => ({ status: 500, text: `${messageOf(thrown)}\n` });
    const answer: Answer = isRead
      ? await this.#textOf(url.split('?', 1)[0]).catch(failed)
      : { status: 405, text: 'This can only be read.\n' };
    const { status = 200, type = 'text/plain; charset=utf-8', text } = answer;
    const headers = { 'content-type': type, 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' };
    response.writeHead(status, headers).end(text);
  }

  async #textOf(path: string | undefined): Promise<Answer> {
    if (path === '/livez') return stateOf(this.#source.notAlive(), 500);
    if (path === '/readyz') return stateOf(this.#source.notReady(), 503);
    if (path === '/metrics') return { type: PROMETHEUS, text: prometheusText(await this.#source.figures()) };
    if (path === '/stats')
      return { type: 'application/json', text: `${JSON.stringify(await this.#source.stats(), undefined, 2)}\n` };
    return { status: 404, text: `${NOTHING_HERE}\n` };
  }
}

function stateOf(trouble: string | undefined, status: number): Answer {
  return trouble === undefined ? { text: 'ok\n' } : { status, text: `${trouble}\n` };
}
