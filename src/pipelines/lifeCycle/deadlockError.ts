import { SpanflowError } from '../../model/errors.ts';
import type { Failure } from '../../model/sink.ts';

/** A flush is waited for by what it waits for. As the failure of an export it is a defect of the sink: another attempt would come to the same. */
export class DeadlockError extends SpanflowError {
  readonly failure: Failure = { kind: 'permanent' };

  /** @param owner the function that made the pipeline */
  constructor(owner: string) {
    const where = `${owner}.forceFlush was called by the export of a batch that it waits for`;
    super('DEADLOCK', `${where}, and must not be awaited there; the flush itself goes on`);
  }
}
