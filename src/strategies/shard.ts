/**
 * Which of `size` places has a key: the same key always the same place. Keys are compared by their text, so `1` and `'1'` are one key; 32-bit FNV-1a with a finalizer, so that keys which differ in their last characters only are spread, too.
 */
export function shardOf(key: string, size: number): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < key.length; index += 1) hash = Math.imul(hash ^ key.charCodeAt(index), 0x01000193);
  // MurmurHash3's finalizer: the low bits of FNV alone are uneven.
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) % size;
}
