// The seal of Apache's `checkpoint` as we write it: a CRC behind what Java knows of the file. Java writes its numbers into
// the file in place and leaves the rest, so a seal that fits no more says that another broker changed it.
import { crc32 } from 'node:zlib'
import { FileError, type Files } from '@rocketmq-ts/runtime'

/** ASCII "RMTS". */
const MAGIC = 0x524d5453
/** At the end of the file. */
export const SEAL_BYTES = 8
/** Longest file that is looked at. */
const FILE_BYTES_MAX = 4096

/** 'ours': as we left it; 'changed': sealed once, and not as we left it; 'unknown': missing, unreadable or never sealed. */
export type Seal = 'ours' | 'changed' | 'unknown'

/** Puts the seal at the end of the file's bytes. */
export function seal(bytes: Uint8Array): void {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const at = view.length - SEAL_BYTES
  view.writeUInt32BE(MAGIC, at)
  view.writeUInt32BE(crc32(view.subarray(0, at)), at + 4)
}

/** What the file's bytes say. */
export function sealOf(bytes: Uint8Array): Seal {
  if (bytes.length <= SEAL_BYTES) return 'unknown'
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const at = view.length - SEAL_BYTES
  if (view.readUInt32BE(at) !== MAGIC) return 'unknown'
  return view.readUInt32BE(at + 4) === crc32(view.subarray(0, at)) ? 'ours' : 'changed'
}

/** Looks at the file. Rejects for nothing that is wrong with it. */
export async function readSeal(files: Files, path: string): Promise<Seal> {
  try {
    const bytes = await files.readWhole(path, FILE_BYTES_MAX)
    return bytes === undefined ? 'unknown' : sealOf(bytes)
  } catch (error) {
    if (!(error instanceof FileError)) throw error
    return 'unknown'
  }
}
