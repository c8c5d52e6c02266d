// Small files that are replaced as a whole: snapshots and checkpoints. Every write makes a new generation beside the
// last one, so that a crash at any point leaves at least one that is complete.
//
//   path.tmp  →  sync  →  wait until the log is flushed to coversTo  →  rename to path.<generation>  →  sync the folder
//
//   0   4  'RMQG'            12  8  generation          28  4  length of the payload
//   4   4  kind, ASCII       20  8  coversTo            32  n  payload
//   8   4  version           big-endian                 32+n  4  CRC-32 of everything before
import assert from 'node:assert'
import { crc32 } from 'node:zlib'
import { FileError, type Files } from './files.ts'

const MAGIC = 0x52_4d_51_47
const HEADER_BYTES = 32
const CRC_BYTES = 4
/** Generations that stay: the last one and the one before. */
const GENERATIONS_KEPT = 2
const TEMPORARY = '.tmp'

/** Largest payload that is written or read, unless a caller sets less. */
export const GENERATION_PAYLOAD_BYTES_MAX = 256 * 1024 * 1024

/** What a generation file holds. */
export interface GenerationContent {
  /** Four ASCII characters that name the format of the payload. */
  readonly kind: string
  /** Version of that format. */
  readonly version: number
  /** Position of the log up to which the payload tells the truth; 0 when it does not derive from the log. */
  readonly coversTo: number
  readonly payload: Uint8Array
}

export interface Generation extends GenerationContent {
  readonly path: string
  /** Counts up with every write. */
  readonly generation: number
}

/** A file that can not be used, and why. */
export interface DamagedGeneration {
  readonly path: string
  readonly generation: number
  readonly reason: string
}

export interface Generations {
  /** Newest first. */
  readonly valid: readonly Generation[]
  readonly damaged: readonly DamagedGeneration[]
}

export interface WriteGenerationOptions extends Omit<GenerationContent, 'payload'> {
  /** Its parts follow one another. They are written as they are, not copied: nobody may change them before that. */
  readonly payload: Uint8Array | readonly Uint8Array[]
  /**
   * Resolves when the log is flushed to a position; asked for `coversTo` before the file takes its name, so that a
   * derived file never runs ahead of the log. Only files that do not derive from the log go without.
   */
  readonly whenFlushed?: (position: number) => Promise<void>
}

export interface ReadGenerationsOptions {
  readonly kind: string
  /** Highest version the caller understands. */
  readonly versionMax: number
  readonly payloadBytesMax?: number
}

function split(path: string): { readonly folder: string; readonly name: string } {
  const slash = path.lastIndexOf('/')
  assert(slash >= 0, `not an absolute path: ${path}`)
  return { folder: slash === 0 ? '/' : path.slice(0, slash), name: path.slice(slash + 1) }
}

/** Numbers of the generations that exist, newest first. */
async function numbersOf(files: Files, path: string): Promise<number[]> {
  const { folder, name } = split(path)
  const numbers: number[] = []
  for (const entry of await files.list(folder)) {
    if (entry.kind !== 'file' || !entry.name.startsWith(`${name}.`)) continue
    const digits = entry.name.slice(name.length + 1)
    if (/^[1-9]\d{0,14}$/u.test(digits)) numbers.push(Number(digits))
  }
  return numbers.sort((a, b) => b - a)
}

/** What the file holds, in parts. */
function encode(content: WriteGenerationOptions, generation: number): readonly Uint8Array[] {
  const { kind, version, coversTo, payload } = content
  const parts = payload instanceof Uint8Array ? [payload] : payload
  const payloadBytes = parts.reduce((sum, part) => sum + part.length, 0)
  assert(/^[\x20-\x7e]{4}$/u.test(kind), `not four ASCII characters: ${kind}`)
  assert(Number.isSafeInteger(coversTo) && coversTo >= 0, `not a position: ${coversTo}`)
  assert(payloadBytes <= GENERATION_PAYLOAD_BYTES_MAX, `payload of ${payloadBytes} bytes is too long`)
  const header = Buffer.alloc(HEADER_BYTES)
  header.writeUInt32BE(MAGIC, 0)
  header.write(kind, 4, 'latin1')
  header.writeUInt32BE(version, 8)
  header.writeBigUInt64BE(BigInt(generation), 12)
  header.writeBigUInt64BE(BigInt(coversTo), 20)
  header.writeUInt32BE(payloadBytes, 28)
  const trailer = Buffer.alloc(CRC_BYTES)
  trailer.writeUInt32BE(parts.reduce((crc, part) => crc32(part, crc), crc32(header)))
  return [header, ...parts, trailer]
}

/** The content, or the reason why there is none. */
function decode(raw: Uint8Array, generation: number, options: ReadGenerationsOptions): GenerationContent | string {
  const bytes = Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength)
  if (bytes.length < HEADER_BYTES + CRC_BYTES) return `only ${bytes.length} bytes long`
  if (bytes.readUInt32BE(0) !== MAGIC) return 'not a generation file: wrong magic'
  const payloadBytes = bytes.readUInt32BE(28)
  const expectedBytes = HEADER_BYTES + payloadBytes + CRC_BYTES
  if (expectedBytes !== bytes.length) return `${bytes.length} bytes long instead of ${expectedBytes}`
  if (crc32(bytes.subarray(0, -CRC_BYTES)) !== bytes.readUInt32BE(bytes.length - CRC_BYTES)) return 'CRC differs'
  const kind = bytes.toString('latin1', 4, 8)
  if (kind !== options.kind) return `of kind '${kind}' instead of '${options.kind}'`
  const version = bytes.readUInt32BE(8)
  if (version > options.versionMax) return `version ${version} is newer than ${options.versionMax}, the newest known`
  const written = Number(bytes.readBigUInt64BE(12))
  if (written !== generation) return `holds generation ${written} under the name of ${generation}`
  const coversTo = Number(bytes.readBigUInt64BE(20))
  if (!Number.isSafeInteger(coversTo)) return 'coversTo is beyond 2^53'
  return { kind, version, coversTo, payload: bytes.subarray(HEADER_BYTES, HEADER_BYTES + payloadBytes) }
}

async function writeWhole(files: Files, path: string, parts: readonly Uint8Array[]): Promise<void> {
  const file = await files.open(path, 'create')
  try {
    await file.truncate(0)
    file.writeSync(0, parts)
    await file.sync()
  } finally {
    await file.close()
  }
}

/**
 * Writes the next generation of `path` durably, then removes all but the last two; resolves with its number. One
 * writer per path at a time. Rejects with `FileError`, and the generations before are as they were.
 */
export async function writeGeneration(files: Files, path: string, options: WriteGenerationOptions): Promise<number> {
  const numbers = await numbersOf(files, path)
  const generation = (numbers[0] ?? 0) + 1
  await writeWhole(files, path + TEMPORARY, encode(options, generation))
  await options.whenFlushed?.(options.coversTo)
  await files.rename(path + TEMPORARY, `${path}.${generation}`)
  await files.syncFolder(split(path).folder)
  for (const old of numbers.slice(GENERATIONS_KEPT - 1)) await files.remove(`${path}.${old}`)
  return generation
}

/** Reads every generation of `path`. Never rejects for what a file holds: that is reported as damaged. */
export async function readGenerations(
  files: Files,
  path: string,
  options: ReadGenerationsOptions,
): Promise<Generations> {
  const bytesMax = HEADER_BYTES + (options.payloadBytesMax ?? GENERATION_PAYLOAD_BYTES_MAX) + CRC_BYTES
  const valid: Generation[] = []
  const damaged: DamagedGeneration[] = []
  for (const generation of await numbersOf(files, path)) {
    const place = { path: `${path}.${generation}`, generation }
    let content: GenerationContent | string
    try {
      const bytes = await files.readWhole(place.path, bytesMax)
      content = bytes === undefined ? 'removed while it was read' : decode(bytes, generation, options)
    } catch (error) {
      if (!(error instanceof FileError)) throw error
      content = error.message
    }
    if (typeof content === 'string') damaged.push({ ...place, reason: content })
    else valid.push({ ...place, ...content })
  }
  return { valid, damaged }
}

/**
 * Removes, durably, the generations that cover more than the log holds after recovery, and returns the others. Must
 * end before the log grows: a removal undone by a power loss would later look as if it covered the new bytes.
 */
export async function discardGenerationsBeyond(
  files: Files,
  generations: readonly Generation[],
  logEnd: number,
): Promise<Generation[]> {
  const kept = generations.filter((generation) => generation.coversTo <= logEnd)
  const folders = new Set<string>()
  for (const generation of generations) {
    if (generation.coversTo <= logEnd) continue
    await files.remove(generation.path)
    folders.add(split(generation.path).folder)
  }
  for (const folder of folders) await files.syncFolder(folder)
  return kept
}
