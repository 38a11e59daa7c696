/** What is worth a line beside the warnings of the pipelines goes to standard error, too. */
export function say(message: string): void {
  process.stderr.write(`spanflow: ${message}\n`);
}
