import { InvalidOptionError } from '../model/errors.ts';
import { OWNER } from './settings.ts';

/**
 * Runs what makes a part of the telemetry, and names the options that it refuses as the user has given them: `otlpHttp.headers` is `telemetry.headers`, or `telemetry.signals.logs.headers`.
 *
 * @param own the options of the signal itself
 */
export function namedAsGiven<R>(signal: string, own: object, make: () => R): R {
  try {
    return make();
  } catch (thrown) {
    if (!(thrown instanceof InvalidOptionError)) throw thrown;
    const mistakes = thrown.mistakes.map((mistake) => {
      const option = nameOf(mistake.option, signal, own);
      return { ...mistake, option, message: mistake.message.replace(mistake.option, () => option) };
    });
    throw new InvalidOptionError(mistakes[0]?.option ?? OWNER, thrown.rule, thrown.given, mistakes);
  }
}

function nameOf(option: string, signal: string, own: object): string {
  const [, ...path] = option.split('.');
  const isOwn = Object.hasOwn(own, path[0] ?? '');
  return [OWNER, ...(isOwn ? ['signals', signal] : []), ...path].join('.');
}
