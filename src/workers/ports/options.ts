import type { Gate } from '../../flow/gate.ts';
import { aGate } from '../../flow/gate.ts';
import { aFunction, millis, must, optional, type Rules, whole } from '../../internal/validation.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import { STAGE_RULES } from '../../ledger/stageReporter.ts';
import type { Loss } from '../../model/tally.ts';

/** The options of {@link toPort}. */
export interface ToPortOptions<T> {
  /** What the sink is called in losses and errors. Default `toPort`. */
  name?: string;
  /** Which channel it is, where a port carries several: the same as that of the other side. Default `batches`. */
  channel?: string;
  /**
   * Makes of the items of a batch what is sent: their encoded bytes, for example, which are moved and not copied. It is called for each attempt. Left out: the items themselves are sent, and copied, so they have to be values or plain
   * objects; spans are not.
   */
  send?: (items: readonly T[]) => unknown;
  /** How long one attempt may take, in milliseconds: 1 or more. Default 310,000, ten seconds more than the other side retries by default: it is that side which knows. It includes the wait for a credit. */
  attemptTimeoutMillis?: number;
}

export type ToPortSettings<T> = Required<Omit<ToPortOptions<T>, 'send'>> & Pick<ToPortOptions<T>, 'send'>;

export const TO_PORT_DEFAULTS: Readonly<ToPortSettings<unknown>> = Object.freeze({
  name: 'toPort',
  channel: 'batches',
  attemptTimeoutMillis: 310_000,
});

const aText = must('a string that is not empty', (text) => typeof text === 'string' && text !== '');

export const TO_PORT_RULES: Rules<ToPortSettings<unknown>> = {
  name: aText,
  channel: aText,
  send: optional(aFunction),
  attemptTimeoutMillis: millis(1),
};

/** The options of {@link fromPort}. */
export interface FromPortOptions<T> {
  /** What the stage is called in losses and statistics. Default `fromPort`. */
  name?: string;
  /** Which channel it is, where a port carries several: the same as that of the other side. Default `batches`. */
  channel?: string;
  /** Makes of what was sent the items of a batch. If it throws, the batch is refused for good. Left out: what was sent are the items. */
  receive?: (sent: never) => readonly T[];
  /** Batches on their way, or here without an outcome, at most: 1 or more, default 8. The other side sends no more than it has credits for. */
  maxBatches?: number;
  /** No credit is given while it is closed. Default: one that stays open. */
  gate?: Gate;
  /** Called for each loss (`operatorFailed`: `receive` threw), without items. */
  onLoss?: (loss: Loss, items: readonly T[]) => void;
  /** Called with what `receive` or `onLoss` throws. */
  onCallbackError?: (thrown: unknown) => void;
  /** Counts what comes. Default: that of the run ({@link runPipeline}), or else one of its own, which is not shown anywhere. */
  ledger?: Ledger;
}

export type FromPortSettings<T> = Required<Omit<FromPortOptions<T>, 'name' | 'receive' | 'ledger'>> & {
  name: string | undefined;
  receive: (sent: unknown) => readonly T[];
  ledger: Ledger | undefined;
};

export const FROM_PORT_DEFAULTS: Readonly<Omit<FromPortSettings<unknown>, 'gate'>> = Object.freeze({
  name: undefined,
  channel: 'batches',
  receive: (sent: unknown) => sent as readonly unknown[],
  maxBatches: 8,
  onLoss: () => {},
  onCallbackError: () => {},
  ledger: undefined,
});

export const FROM_PORT_RULES: Rules<FromPortSettings<unknown>> = {
  ...STAGE_RULES,
  channel: aText,
  receive: aFunction,
  maxBatches: whole(1),
  gate: aGate,
};
