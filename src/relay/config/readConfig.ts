import { readFileSync } from 'node:fs';
import type { Environment } from '../../internal/environment.ts';
import { mistakeInWords } from '../../internal/validation.ts';
import { InvalidOptionError, messageOf } from '../../model/errors.ts';
import type { RelayConfig } from '../options.ts';
import { ofYaml } from './ofYaml.ts';
import { type OnUnset, withVariables } from './variables.ts';

/** What is switched on by its name alone, as `grpc:` is. */
const SWITCHES: readonly string[] = ['http', 'grpc', 'admin', 'spanMetrics'];

/**
 * The configuration in a file: JSON where its name ends in `.json`, and YAML otherwise. It is not checked yet.
 *
 * @param onUnset told of variables that are not set and have no default
 *
 * @throws InvalidOptionError when it is neither, and SpanflowError `MISSING_PACKAGE` for YAML without its package; what the file system throws passes
 */
export function readConfig(file: string, environment: Environment, onUnset?: OnUnset): RelayConfig {
  const text = readFileSync(file, 'utf8');
  const read = file.endsWith('.json') ? ofJson : ofYaml;
  try {
    return withoutNulls(read(text, environment, onUnset)) as RelayConfig;
  } catch (thrown) {
    if (thrown instanceof SyntaxError || thrown instanceof InvalidOptionError) throw unreadable(file, thrown);
    throw thrown;
  }
}

function ofJson(text: string, environment: Environment, onUnset?: OnUnset): unknown {
  const replaced = (key: string, value: unknown) =>
    typeof value === 'string' ? withVariables(value, environment, `at ${JSON.stringify(key)}`, onUnset) : value;
  try {
    return JSON.parse(text, replaced) as unknown;
  } catch (thrown) {
    throw thrown instanceof SyntaxError ? noJson(text, thrown) : thrown;
  }
}

/** Where the mistake is. What V8 says may quote the text around it, which may be a secret. */
function noJson(text: string, { message }: SyntaxError): SyntaxError {
  const lines = text.slice(0, offsetOf(text, message)).split('\n');
  return new SyntaxError(`it is not valid JSON at line ${lines.length}, column ${(lines.at(-1) ?? '').length + 1}`);
}

/** V8 tells the position, or that the text ends too early, or quotes the text: then it is the last character of the shortest beginning that is quoted, too. */
function offsetOf(text: string, message: string): number {
  const [, position] = / at position (\d+)/.exec(message) ?? [];
  if (position !== undefined) return Number(position);
  if (!isQuoting(message)) return text.length;
  let [before, after] = [0, text.length];
  while (after - before > 1) {
    const middle = (before + after) >> 1;
    if (isQuoting(jsonMessageOf(text.slice(0, middle)))) after = middle;
    else before = middle;
  }
  return before;
}

function isQuoting(message: string): boolean {
  return message.endsWith('is not valid JSON');
}

function jsonMessageOf(text: string): string {
  try {
    JSON.parse(text);
    return '';
  } catch (thrown) {
    return messageOf(thrown);
  }
}

/** What is left empty has its default. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (typeof value !== 'object' || value === null) return value ?? {};
  const entries = Object.entries(value).flatMap(([name, one]) => {
    if (one === null && !SWITCHES.includes(name)) return [];
    return [[name, withoutNulls(one)]];
  });
  return Object.fromEntries(entries);
}

function unreadable(file: string, thrown: Error): InvalidOptionError {
  const message = `${file} cannot be read as a configuration: ${messageOf(thrown)}`;
  return mistakeInWords(file, 'a configuration', file, message);
}
