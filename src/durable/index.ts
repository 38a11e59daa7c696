/**
 * A queue on disk between a program and its backend: what was answered survives a crash. It needs Node, and its `node:sqlite`.
 *
 * @module spanflow/durable
 */

import '../internal/requireNode.ts';

export type { SignalItems, SignalName } from '../model/signal.ts';
export type { DurableDisk, DurableSink, DurableStats } from './api.ts';
export { durable } from './durable.ts';
export type { DurableOptions, DurableSendOptions } from './options.ts';
