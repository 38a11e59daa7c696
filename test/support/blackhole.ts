// A host that answers no request to connect, as behind a firewall that drops: a listener whose line of connections is full.

import { spawn } from 'node:child_process';
import { onTestFinished } from 'vitest';

/** It fills the line by itself, then stands still without accepting anything: before the event loop has its first turn. It ends by itself, too. */
const PROGRAM = `
const net = require('node:net');
const server = net.createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
  const { port } = server.address();
  for (let count = 0; count < 4; count++) net.connect(port, '127.0.0.1').on('error', () => {});
  process.nextTick(() => {
    require('node:fs').writeSync(1, String(port));
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 120_000);
  });
});`;

/** Its port, until the test has ended. */
export function blackholePort(): Promise<number> {
  const child = spawn(process.execPath, ['-e', PROGRAM], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.stdout.once('data', (data: Buffer) => resolve(Number(data.toString())));
  });
}
