import { setTimeout as sleep } from 'node:timers/promises';
import type { Script } from './server/script.ts';
import { type ScriptedServer, startServer } from './server/server.ts';
import type { Client, ClientSettings, ProcessorSettings, Subject, Tracing } from './subjects/subject.ts';

const MAX_SHUTDOWN_MILLIS = 5_000;

/** A client and the server that it was given the address of. */
export interface Pair {
  readonly client: Client;
  readonly server: ScriptedServer;
}

/** What one rule is exercised with for one subject: it makes what the rule needs, ends it, and keeps what was seen to be wrong. */
export class Workbench implements AsyncDisposable {
  readonly subject: Subject;
  readonly #seen: string[] = [];
  readonly #servers = new AsyncDisposableStack();
  readonly #clients = new AsyncDisposableStack();

  constructor(subject: Subject) {
    this.subject = subject;
  }

  /** In what way the rule is not kept: empty if it is. */
  get seen(): readonly string[] {
    return this.#seen;
  }

  /** @param otherwise what was seen instead, in a few words */
  expect(holds: boolean, otherwise: string): void {
    if (!holds) this.#seen.push(otherwise);
  }

  async server(script: Script, options: { port?: number; now?: () => number } = {}): Promise<ScriptedServer> {
    const { protocol } = this.subject;
    return this.#servers.use(await startServer({ protocol, script, now: () => performance.now(), ...options }));
  }

  client(settings: ClientSettings): Client {
    const client = this.subject.open(settings);
    this.#clients.defer(() => ended(client.shutdown()));
    return client;
  }

  /** The client's URL is that of the server, whose arrivals are stamped with the client's clock. */
  async pair(script: Script, settings: ClientSettings = {}): Promise<Pair> {
    let client: Client | undefined;
    const server = await this.server(script, { now: () => client?.now() ?? 0 });
    client = this.client({ url: server.url, ...settings });
    return { client, server };
  }

  tracing(urls: readonly string[], settings?: ProcessorSettings): Tracing {
    const tracing = this.subject.openTracing(urls, settings);
    this.#clients.defer(() => ended(tracing.shutdownWithoutWaiting?.() ?? tracing.shutdown()));
    return tracing;
  }

  /** First the servers: then no client waits for an answer that does not come. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#servers.disposeAsync();
    await this.#clients.disposeAsync();
  }
}

/** Exporters report that their server has ended, which is no matter then; some would wait for longer than a check is worth. */
async function ended(ending: Promise<unknown>): Promise<void> {
  await Promise.race([ending.catch(() => {}), sleep(MAX_SHUTDOWN_MILLIS, undefined, { ref: false })]);
}
