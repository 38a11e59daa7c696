import { refuseExporterAsOptions } from '../../../destination/sinkRule.ts';
import { oneOf, requireRule } from '../../../internal/validation.ts';
import { VERSION } from '../../../internal/version.ts';
import type { SignalName } from '../../../model/signal.ts';
import { SIGNALS } from '../../../otlp/signals.ts';
import { mustSecretly } from './secret.ts';

/** As OTLP asks exporters to identify themselves. */
const USER_AGENT = `spanflow/${VERSION} OTel-OTLP-Exporter-JavaScript/${VERSION}`;

/** An object that is not shown, because it may hold a secret. */
export const aSecretObject = mustSecretly('an object', (value) => typeof value === 'object' && value !== null);

export const aSignal = oneOf(...(Object.keys(SIGNALS) as SignalName[]));

/** Refuses what is no object of options. What is given instead may be a URL or a header, which may hold a secret: it is not shown. */
export function requireOtlpOptions(owner: string, options: object): void {
  requireRule(`${owner} options`, options, aSecretObject);
  refuseExporterAsOptions(owner, options);
}

/** The program's part of the user agent, and ours. */
export function userAgentOf(given: string): string {
  return `${given} ${USER_AGENT}`.trim();
}
