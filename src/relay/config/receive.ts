import { readFileSync } from 'node:fs';
import { type OtlpReceiverOptions, receiverSettings } from '../../inputs/otlpReceiver/options.ts';
import { pick } from '../../internal/pick.ts';
import { withoutUndefined } from '../../internal/validation.ts';
import { messageOf } from '../../model/errors.ts';
import { RECEIVE_OPTIONS } from '../options.ts';
import { type Checking, checkedElsewhere, checkedElsewhereAll } from './checking.ts';
import { isContent } from './fileName.ts';

const LISTEN = ['host', 'port', 'tls', 'maxConnections', 'maxOpenRequests'];
const HTTP = [...LISTEN, 'cors', 'headersTimeoutMillis', 'requestTimeoutMillis', 'minBytesPerSecond'];

/** By the name of the receiver's option, where the file is named. */
const FILES = { cert: 'certFile', key: 'keyFile', clientCa: 'clientCaFile' } as const;

/** The options of the receiver. */
export function receiverOptionsOf(value: unknown, path: string, checking: Checking): OtlpReceiverOptions {
  const given = checking.section(path, value, {
    ...checkedElsewhereAll(RECEIVE_OPTIONS),
    http: checkedElsewhere,
    grpc: checkedElsewhere,
  });
  const { http, grpc } = given;
  const options = {
    ...pick(given as Record<(typeof RECEIVE_OPTIONS)[number], unknown>, RECEIVE_OPTIONS),
    http: http === undefined ? undefined : serverOf(http, `${path}.http`, HTTP, checking),
    grpc: grpc === undefined ? undefined : serverOf(grpc, `${path}.grpc`, LISTEN, checking),
  };
  const known = withoutUndefined(options) as OtlpReceiverOptions;
  checking.attempt(path, 'otlpReceiver', () => receiverSettings(known));
  return known;
}

function serverOf(value: unknown, path: string, names: readonly string[], checking: Checking): object {
  const { tls, ...given } = checking.section(path, value, checkedElsewhereAll(names));
  return { ...given, ...(tls !== undefined && { tls: contentsOf(tls, `${path}.tls`, checking) }) };
}

function contentsOf(value: unknown, path: string, checking: Checking): object {
  const given = checking.section(path, value, checkedElsewhereAll(Object.values(FILES)));
  const parts = Object.entries(FILES).flatMap(([part, name]) => {
    const file = given[name];
    return file === undefined ? [] : [[part, contentOf(file, `${path}.${name}`, checking)]];
  });
  return Object.fromEntries(parts);
}

function contentOf(file: unknown, path: string, checking: Checking): string {
  if (isContent(file, path, checking)) return '';
  try {
    return readFileSync(file as string, 'utf8');
  } catch (thrown) {
    checking.add(path, `the name of a file that can be read (${messageOf(thrown)})`, file);
    return '';
  }
}
