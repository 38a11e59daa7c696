import { tables } from '../json/read/schema.ts';
import { type Content, type Cost, type Costs, MAX_FIELD, type Shape } from '../protobuf/scan.ts';
import { VALUE_COSTS } from './attributes.ts';

const FREE: Cost = [0, 0];
const NO_SHAPE: Shape = [];
const ID_BYTES: Readonly<Record<string, number>> = { traceId: 16, spanId: 8, parentSpanId: 8 };
const LISTS: Readonly<Record<string, Content['kind']>> = { fixed64: 'fixed64s', double: 'fixed64s', uint64: 'varints' };

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

function kindOf(name: string, type: string, how: string | undefined): Content['kind'] | undefined {
  if (type === 'KeyValue') return 'attribute';
  if (tables[type] !== undefined) return 'message';
  if (type === 'bytes') return ID_BYTES[name] === undefined ? 'bytes' : 'id';
  if (name === 'key') return 'key';
  return how === 'repeated' ? LISTS[type] : undefined;
}
