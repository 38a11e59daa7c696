import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { relayArguments } from '../../src/cli/relay/arguments.ts';
import { followConfig } from '../../src/cli/relay/reloads.ts';
import type { RelayConfig } from '../../src/relay/index.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';

test('a file that cannot be watched is told, and is still read again at SIGHUP', () => {
  const told: string[] = [];
  const writing = vi.spyOn(process.stderr, 'write').mockImplementation((text) => told.push(String(text)) > 0);
  onTestFinished(() => writing.mockRestore());
  // A folder that is absent cannot be watched.
  const folder = join(temporaryFolder(), 'absent');
  const file = join(folder, 'relay.json');
  const reloads: RelayConfig[] = [];
  const unfollow = followConfig(relayArguments(['--config', file]), (read) => {
    reloads.push(read());
    return { needsRestart: [] };
  });
  onTestFinished(unfollow);
  expect(told).toEqual([
    expect.stringMatching(/^spanflow: relay\.json is not watched \(ENOENT.*\): send SIGHUP when it has changed\n$/),
  ]);
  mkdirSync(folder);
  writeFileSync(file, '{ "send": { "main": { "url": "http://backend" } } }');
  process.emit('SIGHUP');
  expect(reloads).toEqual([{ send: { main: { url: 'http://backend' } } }]);
});
