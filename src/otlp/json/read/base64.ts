/** In both alphabets, with or without padding. */
const BASE64 = /^[\w+/-]*={0,2}$/;

export function isBase64(text: string): boolean {
  if (!BASE64.test(text)) return false;
  const padding = text.endsWith('==') ? 2 : Number(text.endsWith('='));
  const rest = (text.length - padding) % 4;
  return rest !== 1 && (rest !== 0 || padding === 0);
}
