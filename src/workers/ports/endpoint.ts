import { MessagePort, Worker } from 'node:worker_threads';
import { warn } from '../../internal/tracingSuppression.ts';
import { must } from '../../internal/validation.ts';

/**
 * One end of a channel between threads or processes: a `MessagePort` (`parentPort`, too), a `Worker`; or what has `send`: `process` in a child, a `ChildProcess`, a worker of `node:cluster`. Processes have to be started with
 * `serialization: 'advanced'`, because JSON has no bytes.
 */
export interface MessageEndpoint {
  /** Sends to another thread. */
  postMessage?: (message: never, transfer?: never) => void;
  /** Sends to another process. */
  send?: ((...args: never[]) => boolean) | undefined;
  /** Adds a listener. */
  on(event: string, listener: (...args: unknown[]) => void): unknown;
  /** Removes a listener. */
  off(event: string, listener: (...args: unknown[]) => void): unknown;
}

export const anEndpoint = must('a MessagePort, a Worker, or a process with an IPC channel', (value) => {
  const { postMessage, send, on } = (value ?? {}) as Partial<MessageEndpoint>;
  return typeof on === 'function' && (typeof postMessage === 'function' || typeof send === 'function');
});

export interface LinkPlan<In> {
  /** Only messages of this channel are read, so that a port can carry others besides. */
  readonly channel: string;
  readonly onMessage: (message: In) => void;
  /** Once, when the other side is gone, or cannot be understood. */
  readonly onClosed: (why: string) => void;
}

/** Our use of an end. */
export interface Link<Out> {
  /** Throws if the message cannot be cloned. */
  send(message: Out, transfer?: ArrayBuffer[]): void;
  /** The process is kept alive, as far as that is ours to say: the lives of a worker and of a child process belong to who has started them. */
  hold(): void;
  /** The process is not kept alive by this. */
  release(): void;
  /** Stops listening. The port stays open: it is not ours. */
  end(): void;
}

interface Envelope<M> {
  readonly spanflow: string;
  readonly message: M;
  /** Comes as bytes, unless the channel makes JSON of everything. */
  readonly probe: Uint8Array;
}

const NO_BYTES =
  "bytes do not come through this channel between processes: start the child with { serialization: 'advanced' }";

/** Listens, and holds nothing. */
export function openLink<In, Out>(
  endpoint: MessageEndpoint,
  { channel, onMessage, onClosed }: LinkPlan<In>,
): Link<Out> {
  const receive = (value: unknown) => {
    const envelope = value as Envelope<In> | null;
    if (envelope?.spanflow !== channel) return;
    if (ArrayBuffer.isView(envelope.probe)) onMessage(envelope.message);
    else unreadable();
  };
  // An exception here would be one that nothing catches, and end this process.
  const unreadable = () => {
    warn(`spanflow: ${NO_BYTES}`);
    release();
    end();
    post(endpoint, enveloped(undefined)); // which the other side cannot read either: so it learns it
    onClosed(NO_BYTES);
  };
  const closed = () => {
    end();
    onClosed('the other side is gone');
  };
  let isOpen = true;
  const end = () => {
    isOpen = false;
    endpoint.off('message', receive);
    endpoint.off(closing, closed);
  };
  const enveloped = (message: unknown) => ({ spanflow: channel, message, probe: new Uint8Array(1) });
  const closing = closingEventOf(endpoint);
  endpoint.on('message', receive);
  endpoint.on(closing, closed);
  const { hold, release } = lifeOf(endpoint);
  release();
  if ((endpoint as { connected?: boolean }).connected === false) queueMicrotask(closed);
  return {
    send: (message, transfer) => post(endpoint, enveloped(message), transfer),
    hold,
    // Afterwards the life of the process is that of other listeners.
    release: () => {
      if (isOpen) release();
    },
    end,
  };
}

function closingEventOf(endpoint: MessageEndpoint): string {
  if (typeof endpoint.postMessage !== 'function') return 'disconnect';
  return endpoint instanceof Worker ? 'exit' : 'close';
}

function post(endpoint: MessageEndpoint, envelope: Envelope<unknown>, transfer: ArrayBuffer[] = []): void {
  const { postMessage, send, connected } = endpoint as unknown as Sending;
  if (typeof postMessage === 'function') postMessage.call(endpoint, envelope, transfer);
  // Without a callback, a channel that is closed meanwhile would be an error of the process.
  else if (connected !== false) send?.call(endpoint, envelope, undefined, undefined, () => {});
}

interface Sending {
  readonly postMessage?: (message: unknown, transfer: ArrayBuffer[]) => void;
  readonly send?: (message: unknown, handle: undefined, options: undefined, done: () => void) => void;
  readonly connected?: boolean;
}

/** A port, and the channel of a child to its parent, hold the process while somebody listens; both can be told not to, if nobody listens besides. */
function lifeOf(endpoint: MessageEndpoint): Pick<Link<never>, 'hold' | 'release'> {
  const isChild = (endpoint as unknown) === process;
  const held = isChild ? process.channel : endpoint instanceof MessagePort ? endpoint : undefined;
  const isAlone = () => (endpoint as { listenerCount?: (event: string) => number }).listenerCount?.('message') === 1;
  return {
    hold: () => held?.ref(),
    release: () => {
      if (isAlone()) held?.unref();
    },
  };
}
