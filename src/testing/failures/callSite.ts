import { dirname, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

/** How many stack frames are kept. RxJS alone puts about ten between the kit and the user's line. */
const FRAMES = 24;

/** The kit's folder, one above this file's. It is read from a stack trace, because the module has no URL where Jest turns it into CommonJS. */
const kitFolder = dirname(dirname(placesOf(callSite())[0] ?? '/unknown/room/place')) + sep;

/**
 * Remembers the current stack, or that of the caller of `callee`. The stack becomes text only when it is read, so that remembering stays cheap.
 */
export function callSite(callee?: (...args: never[]) => unknown): Error {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = FRAMES;
  const site = new Error('call site');
  if (callee !== undefined) Error.captureStackTrace(site, callee);
  Error.stackTraceLimit = limit;
  return site;
}

/** The frames of a stack trace that lie outside of this kit. */
export function framesOf(site: Error): readonly string[] {
  const frames = (site.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line));
  return frames.filter((line) => !placeOf(line)?.startsWith(kitFolder));
}

/** The first place in the user's code, outside of this kit, of installed packages and of Node: `src/operators/mine.ts:12:3`. */
export function siteText(site: Error): string {
  const places = placesOf(site);
  const installed = places.find((candidate) => !isOfKitOrHost(candidate));
  const place = places.find((candidate) => !isOfKitOrHost(candidate) && !isInstalled(candidate)) ?? installed;
  if (place === undefined) return 'an unknown place';
  const path = relative(process.cwd(), place);
  return path.startsWith('..') ? place : path.split(sep).join('/');
}

function placesOf(site: Error): readonly string[] {
  return (site.stack ?? '')
    .split('\n')
    .map(placeOf)
    .filter((place) => place !== undefined);
}

function placeOf(line: string): string | undefined {
  const place = /^\s+at (?:.*\()?((?:file:\/\/|\/|[A-Za-z]:\\|node:).*?:\d+:\d+)\)?$/.exec(line)?.[1];
  if (place === undefined || !place.startsWith('file://')) return place;
  const position = /:\d+:\d+$/.exec(place)?.[0] ?? '';
  return fileURLToPath(place.slice(0, -position.length)) + position;
}

function isOfKitOrHost(place: string): boolean {
  return place.startsWith('node:') || place.startsWith(kitFolder);
}

function isInstalled(place: string): boolean {
  return /[\\/]node_modules[\\/]/.test(place);
}
