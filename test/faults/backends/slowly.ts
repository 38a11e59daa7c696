import type { Duplex } from 'node:stream';

/** Does something each second, until the connection or stream is closed. */
export function everySecond(stream: Duplex, work: () => void): void {
  const timer = setInterval(work, 1_000);
  stream.on('close', () => clearInterval(timer));
}

/** Sends this, one byte each second, and ends. */
export function drip(stream: Duplex, bytes: Buffer | string): void {
  const rest = [...Buffer.from(bytes)];
  const next = () => {
    const byte = rest.shift();
    if (byte === undefined) stream.end();
    else if (stream.writable) stream.write(Buffer.of(byte));
  };
  next();
  everySecond(stream, next);
}

/** Sends this again and again, as fast as it is taken. */
export function flood(stream: Duplex, bytes: Buffer | string): void {
  const more = () => {
    while (stream.writable && stream.write(bytes));
  };
  stream.on('drain', more);
  more();
}
