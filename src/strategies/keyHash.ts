/**
 * Which partition a key belongs to, as the clients of Kafka reckon it that do not use murmur2: 32-bit FNV-1a of the bytes, taken as a signed number, without its sign. Sarama began with it, and the Collector's exporter does so by default ("sarama_compat").
 *
 * @returns a number of which the remainder by the number of partitions is the partition
 */
export function fnv1aOf(key: Uint8Array): number {
  let hash = 0x811c9dc5;
  for (const byte of key) hash = Math.imul(hash ^ byte, 0x01000193);
  return Math.abs(hash | 0);
}
