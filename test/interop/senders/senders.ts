import { join } from 'node:path';
import { goPath } from '../collector/build.ts';
import { built } from './build.ts';
import type { Sender } from './sender.ts';

const HTTP_AND_GRPC = ['http/protobuf', 'grpc'] as const;
const PYTHON = join(import.meta.dirname, 'python');

/** Each with what its SDK can send, as the sources of its exporters have it. */
export const SENDERS: readonly Sender[] = [
  {
    name: 'JavaScript SDK',
    // Its numbers are doubles.
    abilities: { hasInt64: false, sendsTraceFlags: true, sendsLinkTraceState: true },
    protocols: ['http/json', ...HTTP_AND_GRPC],
    ready: async () => [process.execPath, join(import.meta.dirname, 'javascript', 'main.ts')],
  },
  {
    name: 'Python SDK',
    // Of a parent and of a link, its encoder writes only whether they are remote.
    abilities: { hasInt64: true, sendsTraceFlags: false, sendsLinkTraceState: false },
    protocols: HTTP_AND_GRPC,
    ready: async () => {
      const folder = await built({
        language: 'python',
        sources: ['requirements.txt'],
        commands: (folder) => [
          ['python3', '-m', 'venv', folder],
          [join(folder, 'bin', 'pip'), 'install', '--quiet', '--requirement', 'requirements.txt'],
        ],
      });
      return [join(folder, 'bin', 'python'), join(PYTHON, 'main.py')];
    },
  },
  {
    name: 'Go SDK',
    abilities: { hasInt64: true, sendsTraceFlags: true, sendsLinkTraceState: false },
    protocols: HTTP_AND_GRPC,
    ready: async () => {
      const folder = await built({
        language: 'go',
        sources: ['main.go', 'go.mod', 'go.sum'],
        commands: (folder) => [[goPath(), 'build', '-buildvcs=false', '-trimpath', '-o', join(folder, 'sender'), '.']],
      });
      return [join(folder, 'sender')];
    },
  },
  {
    name: 'Java SDK',
    abilities: { hasInt64: true, sendsTraceFlags: true, sendsLinkTraceState: true },
    protocols: HTTP_AND_GRPC,
    ready: async () => {
      const folder = await built({
        language: 'java',
        sources: ['pom.xml', 'src/main/java/Main.java'],
        commands: (folder) => [['mvn', '--batch-mode', '--quiet', `-Dbuilt=${folder}`, 'package']],
      });
      return ['java', '-cp', join(folder, '*'), 'Main'];
    },
  },
];
