// As the SDK numbers them; its enum would load the SDK.

export const HISTOGRAM = 0;
export const EXPONENTIAL_HISTOGRAM = 1;
export const GAUGE = 2;
export const SUM = 3;
/** The SDK has none. */
export const SUMMARY = 4;
