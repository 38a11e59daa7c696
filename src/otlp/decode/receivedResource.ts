import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { type OwnerPlace, ReceivedOwner } from '../../model/received.ts';

type Resource = ReadableSpan['resource'];
type Attributes = Resource['attributes'];

/** The resource of received items. None of its attributes is pending. */
export class ReceivedResource extends ReceivedOwner implements Resource {
  readonly attributes: Attributes;
  declare schemaUrl?: string;
  readonly asyncAttributesPending = false;
  /** OTLP has this count, the SDK's type has not. It is kept, so that it can be sent on. */
  droppedAttributesCount = 0;

  constructor(attributes: Attributes = {}, place?: OwnerPlace) {
    super(place);
    this.attributes = attributes;
  }

  /** An empty URL means that there is none. */
  receiveSchemaUrl(url: string): void {
    if (url !== '') this.schemaUrl = url;
    else if (this.schemaUrl !== undefined) delete this.schemaUrl;
  }

  merge(other: Resource | null): Resource {
    return other === null ? this : new MergedResource(this, other);
  }

  getRawAttributes(): ReturnType<Resource['getRawAttributes']> {
    return Object.entries(this.attributes);
  }
}

/** Reads both resources at each access, because attributes of the other one may still be pending. The other one wins. */
class MergedResource implements Resource {
  readonly #base: Resource;
  readonly #other: Resource;

  constructor(base: Resource, other: Resource) {
    this.#base = base;
    this.#other = other;
  }

  get asyncAttributesPending(): boolean {
    return this.#other.asyncAttributesPending ?? false;
  }

  get attributes(): Attributes {
    return { ...this.#base.attributes, ...this.#other.attributes };
  }

  /** OpenTelemetry's rule: two different URLs give an empty one. */
  get schemaUrl(): string {
    const base = this.#base.schemaUrl ?? '';
    const other = this.#other.schemaUrl ?? '';
    if (base === '' || other === '') return base || other;
    return base === other ? base : '';
  }

  async waitForAsyncAttributes(): Promise<void> {
    await this.#other.waitForAsyncAttributes?.();
  }

  merge(other: Resource | null): Resource {
    return other === null ? this : new MergedResource(this, other);
  }

  /** The SDK's order: the first attribute of a name wins. */
  getRawAttributes(): ReturnType<Resource['getRawAttributes']> {
    return [...this.#other.getRawAttributes(), ...this.#base.getRawAttributes()];
  }
}
