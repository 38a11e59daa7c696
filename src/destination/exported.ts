import { from, type Observable, throwError } from 'rxjs';
import type { Batch } from '../model/batch.ts';
import { messageOf } from '../model/errors.ts';
import { type Attempt, ExportError, type Response, type Sink } from '../model/sink.ts';

/** Errors of these classes come from a mistake in the program: thrown by `export` when it is called, they are a defect of the sink. */
const DEFECTS = [TypeError, ReferenceError, RangeError, SyntaxError];

/** Calls the sink. A defect is not tried again: an error of the program, or a return value that is no `ObservableInput`. */
export function exported<T>(sink: Sink<T>, part: Batch<T>, attempt?: Attempt): Observable<Response> {
  try {
    return from(sink.export(part, attempt));
  } catch (thrown) {
    const isDefect = DEFECTS.some((kind) => thrown instanceof kind);
    if (!isDefect) return throwError(() => thrown);
    const message = `${sink.name}.export() failed at the call, which is a defect of the sink: ${messageOf(thrown)}`;
    return throwError(() => new ExportError({ kind: 'permanent' }, message, { cause: thrown }));
  }
}

/** The error of an attempt that was never answered. */
export function withoutAnswer({ name }: Sink<never>): ExportError {
  return new ExportError({ kind: 'unknownOutcome' }, `${name} ended without an answer`);
}
