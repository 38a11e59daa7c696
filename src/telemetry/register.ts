/**
 * Sets up telemetry from the environment alone: `node --import spanflow/register app.js`.
 *
 * @module spanflow/register
 */

import '../internal/requireNode.ts';
import { startByEnvironment } from './starting/start.ts';
import type { Telemetry } from './telemetry.ts';

/** What was set up, for a program that wants to look at `stats()` or to shut down by itself; `undefined` if nothing was. */
export const registered: Telemetry | undefined = startByEnvironment(process.env);
