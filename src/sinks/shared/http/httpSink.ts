import { Observable } from 'rxjs';
import { outsideAnyContext } from '../../../internal/timers.ts';
import { untraced } from '../../../internal/tracingSuppression.ts';
import { ExportError, type ObservableSink } from '../../../model/sink.ts';
import { RequestLender } from '../../../otlp/encode/requestLender.ts';
import { answer, countBodyBytes, withDeadline } from '../attemptEnd.ts';
import { resourceWait } from '../resources.ts';
import { ContentCoding } from './contentCoding.ts';
import type { Transport } from './contract.ts';
import { ExportAttempt } from './exportAttempt.ts';
import type { HttpSettings } from './request.ts';

/**
 * A sink that sends OTLP over HTTP.
 *
 * @param leastLentBytes smaller pieces of a body are copied
 */
export function httpSink<Item>(
  name: string,
  settings: HttpSettings<Item>,
  transport: Transport,
  leastLentBytes: number,
): ObservableSink<Item> {
  const { fields } = settings.signal;
  const context = {
    ...{ settings, transport, countBytes: countBodyBytes },
    coding: new ContentCoding(settings.compression),
    wait: resourceWait(settings.resourceTimeoutMillis, fields.resourceOf),
    lender: new RequestLender(fields, leastLentBytes),
  };
  let isShutDown = false;
  return {
    name,
    attemptTimeoutMillis: settings.timeoutMillis,
    export: (batch, given) =>
      new Observable((subscriber) => {
        if (isShutDown) return subscriber.error(new ExportError({ kind: 'permanent' }, `${name} was shut down`));
        const abort = new AbortController();
        subscriber.add(() => abort.abort());
        const attempt = given ?? withDeadline(name, subscriber, settings.timeoutMillis);
        const made = new ExportAttempt(batch.items, context, attempt, abort.signal);
        outsideAnyContext(() => untraced(() => made.run())).then(
          (response) => answer(subscriber, response),
          (error: unknown) => subscriber.error(error),
        );
      }),
    shutdown: () => {
      isShutDown = true;
      return transport.close();
    },
  };
}
