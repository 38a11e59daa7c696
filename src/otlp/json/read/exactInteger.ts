/** A JSON number, with as many leading zeros as it likes. None of its parts can be read in two ways, so it takes linear time. */
const NUMBER = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/;
/** 64 bits have at most twenty digits. */
const MAX_DIGITS = 20;
const ZERO = 0x30;

/**
 * The integer that a JSON number is, exact however it is written (`1.7e18`, `7.0`, `1500e-2`); nothing where it is none, has a
 * fraction, or more digits than 64 bits can have. It takes no more memory than the text does, whatever the exponent.
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
  // How many zeros stand behind the digits: fewer than none is a fraction.
  const zeros = Number(exponent) - fraction.length + (digits.length - end);
  if (zeros < 0 || end - start + zeros > MAX_DIGITS) return undefined;
  return BigInt(`${sign}${digits.slice(start, end)}${'0'.repeat(zeros)}`);
}
