/**
 * The statistics of a running pipeline, on a terminal.
 *
 * @module spanflow/terminal
 */

import '../internal/requireNode.ts';

export type { Gauge, ShownStats, StatsDisplay, StatsSource, StatsToConsoleOptions } from './options.ts';
export { statsToConsole } from './statsToConsole.ts';
