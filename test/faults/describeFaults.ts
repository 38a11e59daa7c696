import { afterAll, describe, expect, it } from 'vitest';
import { Client } from './client/client.ts';
import type { Protocol } from './row.ts';
import { ROWS } from './rows/rows.ts';
import { tryOut } from './trial.ts';

/** One test for each row of one protocol, and one client for all of them. */
export function describeFaults(protocol: Protocol): void {
  describe(protocol === 'http' ? 'otlpHttp' : 'otlpGrpc', () => {
    const client = new Client();
    afterAll(async () => {
      const ended = await client.end();
      if (ended !== undefined) expect(ended).toMatchObject({ code: 0, signal: null, faults: [], stderr: '' });
    });
    it.each(ROWS.filter((row) => typeof row[protocol] !== 'string'))('$name', async (row) => {
      await tryOut(row, protocol, client);
    });
  });
}
