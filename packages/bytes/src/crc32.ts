// The CRC-32 of zip and Java's java.util.zip.CRC32 (reflected polynomial 0xEDB88320), by Node's native code.
import { crc32 as nativeCrc32 } from 'node:zlib'

/** 0 … 2^32 − 1. `seed` is the CRC of what came before, to go on with. */
export function crc32(bytes: Uint8Array, seed = 0): number {
  return nativeCrc32(bytes, seed)
}

/** The CRC without its sign bit, as records store it. Java: UtilAll.crc32. */
export function crc32Of31Bits(bytes: Uint8Array): number {
  return nativeCrc32(bytes) & 0x7fff_ffff
}
