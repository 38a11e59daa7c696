import { dirname, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Frames that a trace must have for the line of interest to be in it: RxJS alone puts some ten in between. */
const FRAMES = 24;

/** The folder of this kit, from a trace: where Jest makes CommonJS of this module, it has no URL to ask for. */
const here = dirname(placesOf(callSite())[0] ?? '/unknown/place') + sep;

/** Remembers where it is called. The text is made only when somebody asks for it, so that remembering stays cheap. */
export function callSite(): Error {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = FRAMES;
  const site = new Error('call site');
  Error.stackTraceLimit = limit;
  return site;
}

/** The lines of a trace without those of this kit. */
export function framesOf(site: Error): readonly string[] {
  const frames = (site.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line));
  return frames.filter((line) => !placeOf(line)?.startsWith(here));
}

/** The first line outside of this kit, of installed packages and of the host: `src/operators/mine.ts:12:3`. */
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
  return place.startsWith('node:') || place.startsWith(here);
}

function isInstalled(place: string): boolean {
  return /[\\/]node_modules[\\/]/.test(place);
}
