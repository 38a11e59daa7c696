const NANOS_PER_SECOND = 1_000_000_000n;
const MAX_UINT64 = (1n << 64n) - 1n;
const MIN_INT64 = -(1n << 63n);
const MAX_INT64 = (1n << 63n) - 1n;

/** 64 bits as two halves, which lose nothing and need no bigint. */
export interface Bits64 {
  readonly low: number;
  readonly high: number;
}

export function bitsOf(value: bigint): Bits64 {
  return { low: Number(BigInt.asUintN(32, value)), high: Number(BigInt.asUintN(32, value >> 32n)) };
}

export function unsignedOf(bits: Bits64): bigint {
  return (BigInt(bits.high >>> 0) << 32n) | BigInt(bits.low >>> 0);
}

/** A signed 64-bit integer: a number where a number is exact, otherwise a bigint. */
export function integerOf(bits: Bits64): number | bigint {
  const near = (bits.high | 0) * 0x1_0000_0000 + (bits.low >>> 0);
  return Number.isSafeInteger(near) ? near : BigInt.asIntN(64, unsignedOf(bits));
}

export function fitsInt64(value: bigint): boolean {
  return value >= MIN_INT64 && value <= MAX_INT64;
}

/**
 * Nanoseconds since the epoch, exact: as one double they would be off by up to 256 ns.
 *
 * @throws Error where OTLP cannot hold the time.
 */
export function nanosOfHrTime(time: readonly [number, number], field: string): bigint {
  const seconds = time[0];
  const nanos = time[1];
  if (!Number.isFinite(seconds) || !Number.isFinite(nanos)) throw new Error(`its ${field} is not finite`);
  const whole = Math.floor(seconds);
  const total = BigInt(whole) * NANOS_PER_SECOND + BigInt(Math.round((seconds - whole) * 1e9) + Math.round(nanos));
  if (total < 0n) throw new Error(`its ${field} is before 1970`);
  if (total > MAX_UINT64) throw new Error(`its ${field} is beyond 64 bits of nanoseconds`);
  return total;
}
