/** Loads the kit while fake timers replace the host's, and uses it after these are restored. */
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

// If a promise never resolved, the program would end silently.
await marbles(async ({ expectObservable, flush }) => {
  expectObservable(timer(3)).toBe('---(a|)', { a: 0 });
  await flush();
});
await using backend = await otlpBackend();
const waited = await backend.until(() => backend.spans > 0, 1).catch((error: Error) => error.message);
console.log(`the run has ended; ${waited}`);
