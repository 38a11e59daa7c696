import type { ReadableSpan } from '@opentelemetry/sdk-trace';

type Resource = ReadableSpan['resource'];
type Attributes = Resource['attributes'];

/** The resource of spans that were received. Nothing in it is pending. */
export class ReceivedResource implements Resource {
  readonly attributes: Attributes;
  declare schemaUrl?: string;
  readonly asyncAttributesPending = false;
  /** OTLP counts them, the SDK's type does not: kept, so that it goes out again. */
  droppedAttributesCount = 0;

  constructor(attributes: Attributes = {}) {
    this.attributes = attributes;
  }

  /** An empty one is none. */
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

/** Reads both when it is asked, since attributes of the other one may still be pending. The other one wins. */
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

  /** OpenTelemetry's rule: two that differ leave none. */
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

  /** The SDK's order: the first of a name wins. */
  getRawAttributes(): ReturnType<Resource['getRawAttributes']> {
    return [...this.#other.getRawAttributes(), ...this.#base.getRawAttributes()];
  }
}
