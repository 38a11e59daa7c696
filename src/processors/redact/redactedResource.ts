import type { Attributes } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';

type Resource = ReadableSpan['resource'];

/** A view of a resource without what is not to be seen. Attributes of the original that are still pending are redacted when they have come. */
export class RedactedResource implements Resource {
  readonly #original: Resource;
  readonly #redact: (attributes: Attributes) => Attributes;
  #from: Attributes | undefined; // what the redacted attributes were made of
  #redacted: Attributes | undefined;

  constructor(original: Resource, redact: (attributes: Attributes) => Attributes) {
    this.#original = original;
    this.#redact = redact;
  }

  get attributes(): Attributes {
    const { attributes } = this.#original;
    if (this.#redacted === undefined || this.#from !== attributes) this.#redacted = this.#redact(attributes);
    this.#from = attributes;
    return this.#redacted;
  }

  get asyncAttributesPending(): boolean {
    return this.#original.asyncAttributesPending ?? false;
  }

  /** Empty if there is none. */
  get schemaUrl(): string {
    return (this.#original as { readonly schemaUrl?: string }).schemaUrl ?? '';
  }

  /** OTLP has this count, the SDK's type has not. */
  get droppedAttributesCount(): number {
    return (this.#original as { readonly droppedAttributesCount?: number }).droppedAttributesCount ?? 0;
  }

  async waitForAsyncAttributes(): Promise<void> {
    await this.#original.waitForAsyncAttributes?.();
  }

  merge(other: Resource | null): Resource {
    return new RedactedResource(this.#original.merge(other), this.#redact);
  }

  getRawAttributes(): ReturnType<Resource['getRawAttributes']> {
    return Object.entries(this.attributes);
  }
}
