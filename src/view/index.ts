/**
 * A page in the browser that shows pipelines while they run. Nothing of it is loaded unless this module is imported.
 *
 * @module spanflow/view
 */

import '../internal/requireNode.ts';

export { type LiveView, liveView } from './liveView.ts';
export type { LiveViewOptions, Watchable, WatchedOutcome } from './options.ts';
