import type { Attributes } from '@opentelemetry/api';
import type { Account } from '../ledger/account.ts';
import { Totals } from './component.ts';
import { processedBy } from './counts.ts';
import type { ProcessorInstruments } from './instruments.ts';

/** The metrics about what is in front of the exporters of one route. */
export class ProcessorMetrics {
  readonly #stages: () => readonly Account[];
  readonly #exporters = new Set<Account>();
  readonly #queueSize: Totals;
  readonly #queueCapacity: Totals;
  readonly #processed: Totals;

  /** @param stages those that are in front of the exporters by now */
  constructor(stages: () => readonly Account[], attributes: Attributes, instruments: ProcessorInstruments) {
    this.#stages = stages;
    this.#queueSize = new Totals(instruments.queueSize, attributes);
    this.#queueCapacity = new Totals(instruments.queueCapacity, attributes);
    this.#processed = new Totals(instruments.processed, attributes);
  }

  add(exporter: Account): void {
    this.#exporters.add(exporter);
  }

  bringUpToDate(): void {
    const stages = this.#stages();
    const queues = stages.map((stage) => stage.gauges());
    this.#queueSize.tell(queues.reduce((sum, { queueSize }) => sum + queueSize, 0));
    this.#queueCapacity.tell(queues.reduce((sum, { queueCapacity }) => sum + queueCapacity, 0));
    for (const [errorType, count] of processedBy(stages, this.#exporters)) this.#processed.tell(count, errorType);
  }

  /** Its queue is gone. */
  end(): void {
    this.#queueCapacity.tell(0);
  }
}
