/** The kit is loaded while fake timers are in the place of the host's, and used when those are back. */
import { createRequire, syncBuiltinESMExports } from 'node:module';
import { timer } from 'rxjs';

const timers = createRequire(import.meta.url)('node:timers') as Record<string, unknown>;
const names = ['setTimeout', 'setImmediate', 'setInterval'] as const;
const own = names.map((name) => timers[name]);

function put(functions: readonly unknown[]): void {
  for (const [index, name] of names.entries()) {
    timers[name] = functions[index];
    Reflect.set(globalThis, name, functions[index]);
  }
  syncBuiltinESMExports();
}

put(names.map(() => () => ({ ref() {}, unref() {}, close() {} })));
const loading = import('../../../src/testing/index.ts');
const { marbles, otlpBackend } = await loading;
put(own);

// What never ends would end the program without a word.
await marbles(async ({ expectObservable, flush }) => {
  expectObservable(timer(3)).toBe('---(a|)', { a: 0 });
  await flush();
});
await using backend = await otlpBackend();
const waited = await backend.until(() => backend.spans > 0, 1).catch((error: Error) => error.message);
console.log(`the run has ended; ${waited}`);
