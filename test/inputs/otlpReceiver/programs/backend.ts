// A backend that writes down the ids of spans before it answers. It is killed.

import { openSync, writeSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { spansOf } from '../../../support/otlpJson.ts';
import { decodeRequest } from '../../../support/wire.ts';

const { port, file } = JSON.parse(process.argv[2] ?? '') as { readonly port: number; readonly file: string };
const arrived = openSync(file, 'a');

const server = createServer(async (request, response) => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  const ids = [...spansOf(decodeRequest(Buffer.concat(chunks)))].map(({ traceId, spanId }) => `${traceId} ${spanId}\n`);
  writeSync(arrived, ids.join(''));
  response.setHeader('content-type', 'application/x-protobuf').end();
  process.send?.({ arrived: ids.length });
});
server.listen(port, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }));
process.on('disconnect', () => process.exit());
