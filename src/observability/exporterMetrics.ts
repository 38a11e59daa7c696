import type { Attributes, Histogram } from '@opentelemetry/api';
import type { Account } from '../ledger/account.ts';
import type { ExportOperation } from '../ledger/exports.ts';
import type { Tally } from '../model/tally.ts';
import { failedBy, Totals } from './component.ts';
import { ATTRIBUTE, errorTypeOfExport } from './conventions.ts';
import { exportedBy } from './counts.ts';
import type { Instruments } from './instruments.ts';

/** The metrics about one stage that exports. */
export class ExporterMetrics {
  readonly #account: Account;
  readonly #attributes: Attributes;
  readonly #inflight: Totals;
  readonly #exported: Totals;
  readonly #duration: Histogram;

  constructor(account: Account, attributes: Attributes, { inflight, exported, duration }: Instruments) {
    this.#account = account;
    this.#attributes = attributes;
    this.#inflight = new Totals(inflight, attributes);
    this.#exported = new Totals(exported, attributes);
    this.#duration = duration;
  }

  bringUpToDate(): void {
    this.#inflight.tell(this.#account.stats().pending);
    for (const [errorType, count] of exportedBy(this.#account)) this.#exported.tell(count, errorType);
  }

  /** One export has ended. */
  record(tally: Tally, { millis, statusCode }: ExportOperation): void {
    const attributes = failedBy(errorTypeOfExport(tally), this.#attributes);
    const status = typeof statusCode === 'number' ? ATTRIBUTE.httpStatus : ATTRIBUTE.rpcStatus;
    this.#duration.record(millis / 1_000, {
      ...attributes,
      ...(statusCode !== undefined && { [status]: statusCode }),
    });
  }
}
