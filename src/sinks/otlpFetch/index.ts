/**
 * OTLP over HTTP by `fetch`, for browsers and workers.
 *
 * @module spanflow/fetch
 */

import '../../internal/requireNode.ts';

export type { HeadersOption, HeadersRequest, HeaderValue, OtlpFetchOptions } from './options.ts';
export { otlpFetch } from './otlpFetch.ts';
