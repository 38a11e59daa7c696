import { millis, settingsOf } from '../../internal/validation.ts';
import {
  presetSize,
  WORKER_POOL_DEFAULTS,
  WORKER_POOL_RULES,
  type WorkerPool,
  type WorkerPoolOptions,
  type WorkerPoolSettings,
} from './options.ts';
import { PoolCore } from './poolCore.ts';
import { openSession } from './session.ts';

const OWNER = 'workerPool';
const SHUTDOWN_DEFAULTS = Object.freeze({ timeoutMillis: 10_000 });
const SHUTDOWN_RULES = { timeoutMillis: millis(0) };

/**
 * Makes a pool of worker threads that several operators share.
 *
 * A thread is started when there is work and no other one is idle, up to `size`; one that has had nothing to do for `idleMillis` is ended. A pool that is idle never keeps the process alive, and one that works does. Each thread works on one
 * chunk at a time, so a crash (an error that nothing caught, memory, `process.exit()`) costs that chunk and no other: it fails, is counted, and another thread is started for the next one. Threads that crash before they have done
 * anything are started again after waits that grow.
 *
 * Several pools share the cores of the machine, so a program has one of each preset at most: `workerPool()` for what its streams wait for, and `workerPool({ preset: 'background' })` for what may take its time.
 *
 * **These are not the threads of libuv.** Those (`UV_THREADPOOL_SIZE`, 4 by default, for the whole process with all its workers) run `zlib`, `fs`, `dns.lookup` and parts of `crypto` behind asynchronous calls. So an asynchronous `gzip` runs off
 * the main thread without any worker, up to 4 at a time, and putting it into a worker gains nothing but its queue; `gzipSync` in a worker uses the worker's own core, and none of libuv's.
 *
 * @throws InvalidOptionError when an option is out of its range, or unknown
 *
 * @example
 * ```ts
 * const workers = workerPool({ name: 'parsers', resourceLimits: { maxOldGenerationSizeMb: 256 } });
 * workers.state$.subscribe(({ running, queued, crashes }) => console.log(running, queued, crashes));
 * await workers.shutdown();
 * ```
 *
 * @see inWorkers
 */
export function workerPool(options: WorkerPoolOptions = {}): WorkerPool {
  const defaults = { ...WORKER_POOL_DEFAULTS, size: presetSize(options.preset) };
  const core = new PoolCore(settingsOf<WorkerPoolSettings>(OWNER, defaults, WORKER_POOL_RULES, options));
  return {
    name: core.settings.name,
    size: core.settings.size,
    state$: core.state$,
    session: (task, session = {}) => openSession(core, task, session),
    shutdown: (shutdown = {}) => {
      const { timeoutMillis } = settingsOf<{ timeoutMillis: number }>(
        `${OWNER}.shutdown`,
        SHUTDOWN_DEFAULTS,
        SHUTDOWN_RULES,
        shutdown,
      );
      return core.shutdown(timeoutMillis);
    },
  };
}
