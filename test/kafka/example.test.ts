import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { Broker } from './broker.ts';
import { brokerOfFile } from './support.ts';

const found = await brokerOfFile();

test.skipIf(found === undefined)(
  'examples/22: two samplers share the traces of a topic, and each has whole ones',
  async () => {
    const broker = found as Broker;
    const example = join(import.meta.dirname, '../../examples/22-fleetOverKafka.ts');
    const env = { PATH: process.env.PATH, BROKER: broker.address, TOPIC: await broker.topic('example', 8) };
    const child = spawn(process.execPath, ['--conditions=spanflow-source', example], { env });
    onTestFinished(() => {
      child.kill('SIGKILL');
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
    const [code] = (await once(child, 'close')) as [number];
    expect(output).toBe('20 of 200 traces were kept, each whole, by one sampler\nsamplers that have kept some: a, b\n');
    expect(code).toBe(0);
  },
);
