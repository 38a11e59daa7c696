import { type DiagLogger, DiagLogLevel, diag } from '@opentelemetry/api';

/** What spanflow warns about goes to standard error: a command has nobody else to tell it to. */
export function warningsOnTerminal(): void {
  const write = (message: string) => {
    process.stderr.write(`${process.stderr.isTTY ? '\r\u001b[K' : ''}${message}\n`);
  };
  const nothing = () => {};
  const logger: DiagLogger = { error: write, warn: write, info: nothing, debug: nothing, verbose: nothing };
  diag.setLogger(logger, DiagLogLevel.WARN);
}
