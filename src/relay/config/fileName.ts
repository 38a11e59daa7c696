import type { Checking } from './checking.ts';

/** What no name of a file looks like: it may be a private key, and no message may show it. */
const LIKE_PEM = /[\r\n]|-----BEGIN/;

/** Whether the content of a file was given in the place of its name: a mistake, which is told without the content. */
export function isContent(file: unknown, path: string, checking: Checking): boolean {
  if (typeof file !== 'string' || !LIKE_PEM.test(file)) return false;
  const sentence = 'must be the name of a file, but was given what looks like its content, which is not shown';
  checking.tell(path, 'the name of a file', sentence);
  return true;
}
