/** Browsers fail a request with `keepalive` when the bodies of all of them that are in flight would have more than 64 KiB. The rest is for those of the page itself. */
const MAX_BYTES = 60 * 1024;

let bytesInFlight = 0;

/** Takes room for a request of this size that may outlive the page, if there is any. Returns what gives it back, once. What a browser allows is for all sinks of a page together. */
export function takeKeepalive(bytes: number): (() => void) | undefined {
  if (bytesInFlight + bytes > MAX_BYTES) return undefined;
  bytesInFlight += bytes;
  return () => {
    bytesInFlight -= bytes;
  };
}
