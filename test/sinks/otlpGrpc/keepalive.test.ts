import { once } from 'node:events';
import { expect, it } from 'vitest';
import { openGrpcSink } from '../../support/grpcExports.ts';
import { http2Server, succeed } from '../../support/http2Server.ts';
import { exportOnce } from '../../support/httpExports.ts';
import { spanWith } from '../../support/spans.ts';

it('a backend from which nothing is heard for keepaliveMillis is asked whether it is there, during an export', async () => {
  const server = await http2Server({ whole: () => {} }); // it answers when it is told to
  const answered = exportOnce(openGrpcSink({ url: server.url, keepaliveMillis: 5 }), [spanWith()]);
  await server.until(() => server.requests.length === 1);
  const [request] = server.requests;
  if (request === undefined) throw new Error('nothing came');
  await once(request.session, 'ping');
  succeed(request);
  expect(await answered).toEqual({});
});
