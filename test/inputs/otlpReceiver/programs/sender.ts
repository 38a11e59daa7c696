// A sender that sends each of its requests until it is answered with 200, and writes down which were. It is killed.

import { openSync, readFileSync, writeSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { numberedRequest } from './numberedRequest.ts';

const AGAIN_MILLIS = 20;
const AT_A_TIME = 4;

const { url, file, count } = JSON.parse(process.argv[2] ?? '') as {
  readonly url: string;
  readonly file: string;
  readonly count: number;
};
const answered = openSync(file, 'a');
const before = new Set(readFileSync(file, 'utf8').split('\n'));
const numbers = Array.from({ length: count }, (_, number) => number).filter((number) => !before.has(String(number)));

async function isTaken(number: number): Promise<boolean> {
  const headers = { 'content-type': 'application/x-protobuf' };
  const body = numberedRequest(number).bytes as Uint8Array<ArrayBuffer>;
  try {
    const response = await fetch(url, { method: 'POST', headers, body });
    await response.arrayBuffer();
    return response.status === 200;
  } catch {
    return false;
  }
}

async function sendAll(): Promise<void> {
  for (let number = numbers.shift(); number !== undefined; number = numbers.shift()) {
    while (!(await isTaken(number))) await pause(AGAIN_MILLIS);
    writeSync(answered, `${number}\n`);
  }
}

process.on('disconnect', () => process.exit());
await Promise.all(Array.from({ length: AT_A_TIME }, sendAll));
process.send?.({ isDone: true });
