/**
 * CRC-32 as ZIP has it (polynomial 0xEDB88320, reflected), the checksum of every entry of an archive. One
 * table, one byte a step: a file of weights is read once, and its checksum is not what takes the time.
 */
const TABLE = new Uint32Array(256);
for (let byte = 0; byte < 256; byte++) {
  let remainder = byte;
  for (let bit = 0; bit < 8; bit++) remainder = remainder & 1 ? (remainder >>> 1) ^ 0xedb88320 : remainder >>> 1;
  TABLE[byte] = remainder;
}

/** The CRC-32 of the bytes, an unsigned 32-bit integer. */
export function crc32(bytes: Uint8Array): number {
  let remainder = -1;
  for (let i = 0; i < bytes.length; i++) {
    remainder = (TABLE[(remainder ^ (bytes[i] as number)) & 0xff] as number) ^ (remainder >>> 8);
  }
  return ~remainder >>> 0;
}
