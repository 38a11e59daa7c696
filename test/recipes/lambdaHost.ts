/**
 * Calls the handler of a recipe as AWS Lambda does: one event at a time, and frozen as soon as the answer has left. Whoever wants the next call sends SIGCONT first.
 */
export interface Call {
  readonly event: unknown;
  readonly remainingMillis: number;
}

export interface Answer {
  readonly result?: unknown;
  readonly error?: string;
}

type Handler = (event: unknown, context: object) => Promise<unknown>;

const { handler } = (await import(process.argv[2] as string)) as { handler: Handler };

process.on('message', async ({ event, remainingMillis }: Call) => {
  const context = { awsRequestId: 'a', getRemainingTimeInMillis: () => remainingMillis };
  const answer: Answer = await handler(event, context).then(
    (result) => ({ result }),
    (error: Error) => ({ error: error.message }),
  );
  process.send?.(answer, () => process.kill(process.pid, 'SIGSTOP'));
});
process.send?.('ready');
