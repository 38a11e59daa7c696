import { tables } from '../json/read/schema.ts';
import { type Cost, type Costs, KINDS, MAX_FIELD, type Shape } from '../protobuf/scan.ts';
import { VALUE_COSTS } from './attributes.ts';

const FREE: Cost = [0, 0];
const NO_SHAPE: Shape = [];
const ID_BYTES: Readonly<Record<string, number>> = { traceId: 16, spanId: 8, parentSpanId: 8 };
const LISTS: Readonly<Record<string, number>> = {
  fixed64: KINDS.FIXED64S,
  double: KINDS.FIXED64S,
  uint64: KINDS.VARINTS,
};

/** The shape of a message by the schema. */
export function shapeOf(type: string, costs: Costs, known = new Map<string, Shape>()): Shape {
  const before = known.get(type);
  if (before !== undefined) return before;
  const all = { ...VALUE_COSTS, ...costs };
  const shape: Shape = Array.from({ length: MAX_FIELD + 1 }, () => undefined);
  known.set(type, shape); // before its fields: a message can contain itself
  for (const [name, [number, of, how]] of Object.entries(tables[type] ?? {})) {
    const kind = kindOf(name, of, how);
    if (kind === undefined) continue;
    const [items, heap] = all[`${type}.${name}`] ?? all[of] ?? FREE;
    const inside = tables[of] === undefined ? NO_SHAPE : shapeOf(of, costs, known);
    shape[number] = { kind, shape: inside, length: ID_BYTES[name] ?? 0, items, heap };
  }
  return shape;
}

function kindOf(name: string, type: string, how: string | undefined): number | undefined {
  if (type === 'KeyValue') return KINDS.ATTRIBUTE;
  if (tables[type] !== undefined) return KINDS.MESSAGE;
  if (type === 'bytes') return ID_BYTES[name] === undefined ? KINDS.BYTES : KINDS.ID;
  if (name === 'key') return KINDS.KEY_TEXT;
  return how === 'repeated' ? LISTS[type] : undefined;
}
