import { Observable } from 'rxjs';
import { outsideAnyContext } from '../../../internal/timers.ts';
import { untraced } from '../../../internal/tracingSuppression.ts';
import { ExportError, type ObservableSink, type SinkComponent } from '../../../model/sink.ts';
import { RequestLender } from '../../../otlp/encode/requestLender.ts';
import { answer, countBodyBytes, withDeadline } from '../attemptEnd.ts';
import { resourceWait } from '../resources.ts';
import { ContentCoding } from './contentCoding.ts';
import type { Transport } from './contract.ts';
import { ExportAttempt } from './exportAttempt.ts';
import type { HttpSettings } from './request.ts';

/** What a sink over HTTP is called, and how it lends bodies. */
export interface HttpSinkKind {
  readonly name: string;
  readonly component: SinkComponent;
  /** Smaller pieces of a body are copied. */
  readonly leastLentBytes: number;
}

/** A sink that sends OTLP over HTTP. */
export function httpSink<Item>(
  settings: HttpSettings<Item>,
  transport: Transport,
  { name, component, leastLentBytes }: HttpSinkKind,
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
    component,
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
