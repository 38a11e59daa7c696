/** A JSON number, with any number of leading zeros. No part of it matches in two ways, so matching takes linear time. */
const NUMBER = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/;
/** 64 bits have at most twenty digits. */
const MAX_DIGITS = 20;
const ZERO = 0x30;

/**
 * The exact integer that a JSON number means, in any form (`1.7e18`, `7.0`, `1500e-2`); `undefined` where the text is not a number, has
 * a fraction, or has more digits than 64 bits can have. It takes no more memory than the text, whatever the exponent.
 */
export function exactInteger(text: string): bigint | undefined {
  const parts = NUMBER.exec(text);
  if (parts === null) return undefined;
  const [, sign, whole = '', fraction = '', exponent = '0'] = parts;
  const digits = whole + fraction;
  let start = 0;
  let end = digits.length;
  while (end > 0 && digits.charCodeAt(end - 1) === ZERO) end -= 1;
  while (start < end && digits.charCodeAt(start) === ZERO) start += 1;
  if (start === end) return 0n;
  // The number of zeros behind the digits. A negative number means a fraction.
  const zeros = Number(exponent) - fraction.length + (digits.length - end);
  if (zeros < 0 || end - start + zeros > MAX_DIGITS) return undefined;
  return BigInt(`${sign}${digits.slice(start, end)}${'0'.repeat(zeros)}`);
}
