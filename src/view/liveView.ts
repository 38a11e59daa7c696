import { Feed } from './feed/feed.ts';
import { type LiveViewOptions, liveViewSettings, namedPipelines, type Watchable } from './options.ts';
import { pageFiles } from './pageFiles.ts';
import { ViewServer } from './server/viewServer.ts';

/** A view that is being served. */
export interface LiveView {
  /** Where the page is: `http://127.0.0.1:40123/`. */
  readonly url: string;
  /** Ends it at once, for all open pages. Resolves when the port is free. The second call gives the promise of the first. */
  close(): Promise<void>;
  /** `await using`: calls `close` at the end of the block. */
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Serves one page, on loopback, that shows pipelines while they run: whether things go well, and if not why, the flow with what waits where, rates, round trips, retries, losses as they happen, the books adding up, the last minutes, and the newest traces.
 *
 * ```
 * stats$      books--books-----------books      the last ten minutes, kept as points
 * stats()     ········s-s-s-s-s-s-s·········    twice a second while a page is open
 * outcomes$   ········o--oo----o--··········    round trips and the newest traces, while a page is open
 *                     ^ a page is opened and closed again
 * ```
 *
 * **Off unless it is called**: nothing of it is loaded with `spanflow`. Without a page it is subscribed to `stats$`, which emits at most once a second; no timer of its own runs.
 *
 * **Bounded**: 8 pages, 64 connections, 600 points per pipeline, 50 traces of 64 spans. Of the spans it looks at 4,000 a second, and says how many it left out. A page that reads slowly misses samples: none is queued for it, and after
 * half a minute without reading its connection is ended.
 *
 * **The host**: it never keeps the process alive. It only reads; no request changes anything. The page loads nothing from elsewhere, and shows hostile names of spans as text. Requests with an unknown `Host` are refused. If the program instruments `node:http`, the
 * requests of the page make spans like any others: exclude the port in `ignoreIncomingRequestHook`.
 *
 * **Loss**: none; it only watches.
 *
 * @param pipelines one pipeline, or several by name
 * @throws InvalidOptionError (as a rejection) when an option is out of its range, or unknown, or `host` is not loopback and `reach` does not allow that
 * @throws SpanflowError `CANNOT_LISTEN` (as a rejection) when the port is in use, for example
 *
 * @example
 * ```ts
 * const pipeline = spanPipeline({ sink: otlpHttp() });
 * const view = await liveView({ shop: pipeline }, { port: 4321 });
 * console.log(view.url); // => http://127.0.0.1:4321/
 * ```
 *
 * @see spanPipeline, createLedger
 */
export async function liveView(
  pipelines: Watchable | Readonly<Record<string, Watchable>>,
  options: LiveViewOptions = {},
): Promise<LiveView> {
  const settings = liveViewSettings(options);
  const named = namedPipelines(pipelines);
  const feed = new Feed(named, settings.scheduler);
  const server = new ViewServer(feed, settings, await pageFiles());
  try {
    await server.listen();
  } catch (error) {
    feed.close();
    throw error;
  }
  const { url } = server;
  let closed: Promise<void> | undefined;
  const close = () => {
    feed.close();
    closed ??= server.close();
    return closed;
  };
  return { url, close, [Symbol.asyncDispose]: close };
}
