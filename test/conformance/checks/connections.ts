// How connections are used.

import { moment } from '../moment.ts';
import { ACCEPT, inTurn, permanent } from '../server/script.ts';
import { itemsOf } from '../subjects/items.ts';
import type { Workbench } from '../workbench.ts';

/** C12 */
export async function keepAlive(bench: Workbench): Promise<void> {
  const { client, server } = await bench.pair(inTurn(ACCEPT, permanent(bench.subject.protocol)));
  for (let call = 0; call < 4; call++) await client.export(itemsOf(1));
  bench.expect(server.connections === 1, `${server.connections} connections for 4 exports, one after the other`);
}

/** C13 */
export async function concurrency(bench: Workbench): Promise<void> {
  for (const limit of [undefined, 2]) {
    const gate = Promise.withResolvers<void>();
    const script = () => gate.promise.then(() => ACCEPT);
    const { client, server } = await bench.pair(script, limit === undefined ? {} : { concurrency: limit });
    const calls = Array.from({ length: 4 }, () => client.export(itemsOf(1)));
    await Promise.race([server.until(() => server.open >= 2), Promise.all(calls)]);
    await moment();
    gate.resolve();
    await Promise.all(calls);
    const most = server.mostOpen;
    bench.expect(most >= 2, `${most} request at a time, of 4 exports`);
    if (limit !== undefined) bench.expect(most <= limit, `${most} requests at a time, with a limit of ${limit}`);
  }
}
