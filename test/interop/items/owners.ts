import { emptyResource, resourceFromAttributes } from '@opentelemetry/resources';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { VALUES } from './values.ts';

export interface Owners {
  readonly resource: ReadableSpan['resource'];
  readonly scope: ReadableSpan['instrumentationScope'];
}

export const MOST_DROPPED = 0xffff_ffff;

/** Everything that a resource and a scope can have, and that they have nothing. What the SDK's types leave out, it writes all the same. */
export const FULL: Owners = {
  resource: Object.assign(
    resourceFromAttributes({ 'service.name': 'interop', list: ['a', 'b'] }, { schemaUrl: 'https://schemas/resource' }),
    { droppedAttributesCount: 3 },
  ),
  scope: {
    name: 'full',
    version: '1.2.3',
    schemaUrl: 'https://schemas/scope',
    attributes: VALUES,
    droppedAttributesCount: MOST_DROPPED,
  } as Owners['scope'],
};
export const BARE: Owners = { resource: emptyResource(), scope: { name: '' } };

export const TRACE_ID = '0af7651916cd43dd8448eb211c80319c';
export const OTHER_TRACE_ID = 'ffffffffffffffffffffffffffffffff';
export const SPAN_ID = 'b7ad6b7169203331';

/** The latest time that the wire can hold, and the earliest one but 0. */
export const LATEST: [number, number] = [18_446_744_073, 709_551_615];
export const EARLIEST: [number, number] = [0, 1];
