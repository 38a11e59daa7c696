import { aFunction, settingsOf } from '../../internal/validation.ts';
import { DECODE_DEFAULTS, DECODE_RULES, type DecodeLimits, type DecodeOptions } from '../protobuf/decodeLimits.ts';
import type { Reader } from '../protobuf/reader.ts';
import { delimited, fieldsOf, readFields } from '../protobuf/readMessage.ts';
import { type Costs, Scan, type Shape } from '../protobuf/scan.ts';
import { makeYoung } from '../protobuf/youngGarbage.ts';
import { indexBytes } from './attributes.ts';
import { FRAME_COSTS, strictly } from './decodeRequest.ts';
import { OwnerFrame } from './receivedOwners.ts';
import { ReceivedRequest } from './receivedRequest.ts';
import { shapeOf } from './shapes.ts';
import { type AttributesPart, Origin } from './wire.ts';

/** {@link DecodeOptions}, for a request that is read when it is asked for. */
export interface ViewOptions extends DecodeOptions {
  /**
   * Called for each text that is read and is not UTF-8: its malformed bytes are read as U+FFFD. A text of an item is read when it is asked
   * for, once. Default: nobody is told. What it throws is ignored.
   */
  readonly onMalformedText?: () => void;
}

const VIEW_DEFAULTS = Object.freeze({ ...DECODE_DEFAULTS, onMalformedText: () => {} });
const VIEW_RULES = { ...DECODE_RULES, onMalformedText: aFunction };

/** What differs between the requests of traces, logs and metrics. */
export interface SignalViewing<Item> {
  /** The message: `ExportTraceServiceRequest`. */
  readonly request: string;
  readonly costs: Costs;
  /** Passes over one message of a scope, which begins with its length, and adds a view of each item in it. The origin may be filled later. */
  readonly viewInto: (items: Item[], reader: Reader, origin: Origin) => void;
  /** For `attributeOf`; `undefined` where an item has none of its own. */
  readonly attributes?: AttributesPart;
}

const shapes = new Map<string, Shape>();

/**
 * The items of an export request in protobuf, in their order, each of which is read when it is asked for.
 *
 * @throws SpanflowError `MALFORMED_MESSAGE` with the place and the reason; `MESSAGE_TOO_LARGE`; `INVALID_OPTION`.
 */
export function viewRequest<Item>(
  caller: string,
  bytes: Uint8Array,
  options: ViewOptions,
  signal: SignalViewing<Item>,
): Item[] {
  const { onMalformedText, ...limits } = settingsOf(caller, VIEW_DEFAULTS, VIEW_RULES, options);
  const scan = () => new Scan(bytes, limits, indexBytes);
  strictly(signal.request, bytes, scan, (begun) => begun.run(shapeFor(signal)));
  makeYoung(bytes.length); // views are small: without it, the bodies of dead ones stay until V8 traverses the whole heap
  return viewChecked(bytes, limits, onMalformedText, signal);
}

/** The same for bytes that are known to be a well-formed request. */
export function viewChecked<Item>(
  bytes: Uint8Array,
  limits: DecodeLimits,
  onMalformedText: () => void,
  { viewInto, attributes }: SignalViewing<Item>,
): Item[] {
  const items: Item[] = [];
  const request = new ReceivedRequest(bytes, limits, onMalformedText);
  const frame: Frame = { items, viewInto: viewInto as ViewInto, attributes, request, later: [] };
  request.read(0, bytes.length, (reader) => readFields(reader, requestFields, frame));
  for (const fill of frame.later) fill();
  frame.later.length = 0; // the engine may keep the frame of the last request for a while
  return items;
}

type ViewInto = SignalViewing<unknown>['viewInto'];

interface Frame {
  readonly items: unknown[];
  readonly viewInto: ViewInto;
  readonly attributes: AttributesPart | undefined;
  readonly request: ReceivedRequest;
  /** Fills in resources and scopes: they are read when the frame has been. */
  readonly later: (() => void)[];
}

interface ScopeFrame extends Frame {
  readonly owner: OwnerFrame;
  readonly origin: Origin;
}

interface ResourceFrame extends Frame {
  readonly owner: OwnerFrame;
  readonly origins: Origin[];
}

const requestFields = fieldsOf<Frame>({
  [delimited(1)]: (frame, reader) => {
    const outer = reader.enter();
    const owner = new OwnerFrame(reader);
    const origins: Origin[] = [];
    readFields(reader, resourceFrameFields, { ...frame, owner, origins });
    reader.leave(outer);
    if (origins.length === 0) return; // nobody asks for it
    frame.later.push(() => {
      const resource = owner.resource(frame.request);
      for (const origin of origins) origin.resource = resource;
    });
  },
});

const resourceFrameFields = fieldsOf<ResourceFrame>({
  [delimited(1)]: ({ owner }, reader) => owner.addMessage(reader),
  [delimited(2)]: ({ origins, ...frame }, reader) => {
    const outer = reader.enter();
    const owner = new OwnerFrame(reader);
    const origin = new Origin(frame.request, frame.attributes);
    const before = frame.items.length;
    readFields(reader, scopeFrameFields, { ...frame, owner, origin });
    reader.leave(outer);
    if (frame.items.length === before) return; // nobody asks for it
    origins.push(origin);
    frame.later.push(() => {
      origin.scope = owner.scope(frame.request);
    });
  },
  [delimited(3)]: ({ owner }, reader) => owner.addUrl(reader),
});

const scopeFrameFields = fieldsOf<ScopeFrame>({
  [delimited(1)]: ({ owner }, reader) => owner.addMessage(reader),
  [delimited(2)]: ({ items, viewInto, origin }, reader) => viewInto(items, reader, origin),
  [delimited(3)]: ({ owner }, reader) => owner.addUrl(reader),
});

function shapeFor({ request, costs }: SignalViewing<never>): Shape {
  const shape = shapes.get(request) ?? shapeOf(request, { ...FRAME_COSTS, ...costs });
  shapes.set(request, shape);
  return shape;
}
