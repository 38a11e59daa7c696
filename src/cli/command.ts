/** A subcommand of `spanflow`. */
export interface Command {
  /** What `--help` prints. */
  readonly help: string;
  /** @returns the exit code: 0 when all went well, 1 when something was lost */
  run(args: readonly string[]): Promise<number>;
}

/** How the command was called is wrong: told in one line, and the exit code is 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
