import { InvalidOptionError, SpanflowError } from '../model/errors.ts';

/** A subcommand of `spanflow`. */
export interface Command {
  /** What `--help` prints. */
  readonly help: string;
  /** @returns the exit code: 0 when all went well, 1 when something was lost. What is thrown ends with 2 when it {@link isMistake}, and else with 1 */
  run(args: readonly string[]): Promise<number>;
}

/** How the command was called is wrong: told in one line, and the exit code is 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Whether the arguments or the configuration are wrong, or ask for a package that is not there: the exit code is 2. */
export function isMistake(thrown: unknown): boolean {
  if (thrown instanceof UsageError || thrown instanceof InvalidOptionError) return true;
  if (thrown instanceof SpanflowError) return thrown.code === 'MISSING_PACKAGE';
  return String((thrown as { code?: unknown } | undefined)?.code).startsWith('ERR_PARSE_ARGS');
}
