/** For `node --import`: `electron` is the double beside this file. The package of that name only tells where its executable is. */
import { registerHooks } from 'node:module';

registerHooks({
  resolve: (specifier, context, next) =>
    specifier === 'electron'
      ? { url: new URL('electronDouble.ts', import.meta.url).href, shortCircuit: true }
      : next(specifier, context),
});
