import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../support/temporaryFolder.ts';
import { kafkaJars, NoBroker } from './broker.ts';

test('without Java, or without Maven, there is no broker, and that is told from a failure', async () => {
  const cache = join(temporaryFolder(), 'cache');
  const nothing = join(cache, 'nothing');
  const withoutJava = kafkaJars(cache, 'mvn', nothing);
  await expect(withoutJava).rejects.toThrow(NoBroker);
  await expect(withoutJava).rejects.toThrow('there is no Java');
  // Node stands for a Java that answers.
  const withoutMaven = kafkaJars(cache, nothing, process.execPath);
  await expect(withoutMaven).rejects.toThrow(NoBroker);
  await expect(withoutMaven).rejects.toThrow('there is no Maven');
});
