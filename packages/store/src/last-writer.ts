// Who wrote into the folder last. While we have it, a sidecar says 'ours'; at a clean stop it says where the log ended and
// what its last bytes were. What does not fit means that another broker had the folder: a crash of ours never looks so.
//
//   ours      open: a stop is a crash of ours as long as the abort marker holds a text of ours, not the number that is Java's
//   stopped   closed in order at `coversTo`: whatever is written behind it is another's
//   foreign   another's writes were seen and are not taken over yet
import { crc32 } from 'node:zlib'
import { commitLogOffset, type CommitLogOffset } from '@rocketmq-ts/model'
import { type DamagedGeneration, type File, type Files, readGenerations, writeGeneration } from '@rocketmq-ts/runtime'
import type { Seal } from './checkpoint-seal.ts'
import { judgeFacts } from './writer-verdict.ts'

const KIND = 'WRTR'
const VERSION = 1
/** Bytes in front of a position that stand for everything before it. The last record's CRCs are among them. */
export const LAST_WRITER_TAIL_BYTES = 4096
/** As many generations are kept. */
const COPIES = 2
const PAYLOAD_BYTES_MAX = 64 * 1024
/** How the generations of the sidecar are read. */
const READING = { kind: KIND, versionMax: VERSION, payloadBytesMax: PAYLOAD_BYTES_MAX }

/** Another broker's writes, as recovery found them. */
export interface ForeignWrites {
  /** They begin here, or behind; 0 for a folder that was never ours. */
  readonly from: CommitLogOffset
  /** The log below `from` is as we left it, so what derives from that part still holds. */
  readonly isPrefixKept: boolean
}

/** Files of a log, as this reads them. */
export interface LogPlaces {
  readonly segmentBytes: number
  readonly min: number
  readonly end: number
  /** The file that holds a position, if it is there. Valid until the next call. */
  at(position: number): LogPlace | undefined | Promise<LogPlace | undefined>
}

interface LogPlace {
  readonly base: number
  readonly file: Pick<File, 'read'>
}

/** What the sidecar holds. Both generations say the same: one that is lost or can not be read changes nothing. */
export interface Noted {
  readonly state: 'ours' | 'stopped' | 'foreign'
  /** Position that the note speaks of. */
  readonly at: number
  /** Of the bytes in front of `at`. */
  readonly tailCrc: number
  readonly isPrefixKept: boolean
  readonly stamp: string | undefined
}

export interface LastWriter {
  readonly foreign: ForeignWrites | undefined
  /** What the owner said at the clean stop. */
  readonly stamp: string | undefined
  /** Of `foreign` there is no note yet. */
  readonly isNew: boolean
}

const OURS: LastWriter = { foreign: undefined, stamp: undefined, isNew: false }
/** Java writes its process id, old versions nothing. */
const JAVA_ABORT = /^\s*\d*\s*$/

/** CRC of the bytes in front of a position; undefined where they are not in the folder. */
async function tailCrcAt(segments: LogPlaces, at: number): Promise<number | undefined> {
  if (at === 0) return 0
  const segment = await segments.at(at - 1)
  if (segment === undefined) return undefined
  const from = Math.max(segment.base, at - LAST_WRITER_TAIL_BYTES)
  const bytes = Buffer.alloc(at - from)
  const count = await segment.file.read(from - segment.base, bytes)
  return count === bytes.length ? crc32(bytes) : undefined
}

/** True when something was written at a position that was the log's end. */
async function isWrittenAt(segments: LogPlaces, at: number): Promise<boolean> {
  const segment = await segments.at(at)
  if (segment === undefined) return segments.end > at
  const head = Buffer.alloc(Math.min(8, segment.base + segments.segmentBytes - at))
  await segment.file.read(at - segment.base, head)
  return head.some((byte) => byte !== 0)
}

function decode(payload: Uint8Array, at: number): Noted | undefined {
  try {
    const { state, tailCrc, isPrefixKept, stamp } = JSON.parse(Buffer.from(payload).toString()) as Record<
      string,
      unknown
    >
    if (state !== 'ours' && state !== 'stopped' && state !== 'foreign') return undefined
    if (typeof tailCrc !== 'number') return undefined
    const said = typeof stamp === 'string' ? stamp : undefined
    return { state, at, tailCrc, isPrefixKept: isPrefixKept === true, stamp: said }
  } catch {
    // The CRC was right, so this is a format we do not know: the same as no note.
    return undefined
  }
}

async function readNote(files: Files, path: string): Promise<Noted | undefined> {
  return (await readLastWriter(files, path)).note
}

/** The newest note, and the files that can not be read. */
export async function readLastWriter(
  files: Files,
  path: string,
): Promise<{ readonly note: Noted | undefined; readonly damaged: readonly DamagedGeneration[] }> {
  const { valid, damaged } = await readGenerations(files, path, READING)
  const [newest] = valid
  return { note: newest === undefined ? undefined : decode(newest.payload, newest.coversTo), damaged }
}

async function writeNote(
  files: Files,
  path: string,
  { at, ...note }: Noted,
  whenFlushed?: (position: number) => Promise<void>,
): Promise<void> {
  const payload = Buffer.from(JSON.stringify(note))
  for (let copy = 0; copy < COPIES; copy += 1) {
    await writeGeneration(files, path, {
      kind: KIND,
      version: VERSION,
      coversTo: at,
      payload,
      ...(whenFlushed && { whenFlushed }),
    })
  }
}

/** Notes that the folder is ours up to `at`, all of which is written, or that we leave it in order. */
export async function noteOwn(options: {
  readonly files: Files
  readonly path: string
  readonly segments: LogPlaces
  readonly state: 'ours' | 'stopped'
  readonly at: number
  readonly stamp: string | undefined
  readonly whenFlushed: (position: number) => Promise<void>
}): Promise<void> {
  const { files, path, segments, state, at, stamp } = options
  const tailCrc = (await tailCrcAt(segments, at)) ?? 0
  await writeNote(files, path, { state, at, tailCrc, isPrefixKept: true, stamp }, options.whenFlushed)
}

/** Notes writes of others: until `noteOwn`, every start finds them again. */
export async function noteForeign(
  { files, path, segments }: { readonly files: Files; readonly path: string; readonly segments: LogPlaces },
  { from, isPrefixKept }: ForeignWrites,
): Promise<void> {
  const tailCrc = isPrefixKept ? ((await tailCrcAt(segments, from)) ?? 0) : 0
  await writeNote(files, path, { state: 'foreign', at: from, tailCrc, isPrefixKept, stamp: undefined })
}

/** Judges a folder before anything in it is changed. */
export async function judgeLastWriter(options: {
  readonly files: Files
  readonly path: string
  readonly segments: LogPlaces
  /** The furthest that our checkpoints and our flushed mark reach; undefined without any. */
  readonly coversTo: number | undefined
  /** Of Apache's checkpoint. */
  readonly seal: Seal
  /** Text of the abort marker, undefined without one. */
  readonly abort: string | undefined
  /** What the owner says now; undefined where it can not tell. */
  readonly stamp: string | undefined
}): Promise<LastWriter> {
  const { files, path, segments, coversTo, seal, abort, stamp } = options
  const note = await readNote(files, path)
  const verdict = judgeFacts({
    note,
    isTailSame: note !== undefined && (await tailCrcAt(segments, note.at)) === note.tailCrc,
    isWrittenAtNote: note !== undefined && (await isWrittenAt(segments, note.at)),
    abort: abort === undefined ? 'none' : JAVA_ABORT.test(abort) ? 'java' : 'ours',
    seal,
    stamp: note?.stamp === undefined || stamp === undefined ? 'unknown' : note.stamp === stamp ? 'same' : 'other',
    covered: coversTo === undefined ? undefined : { at: coversTo, isWritten: await isWrittenAt(segments, coversTo) },
    isEmpty: segments.end === segments.min,
  })
  if (verdict.kind === 'ours') return { ...OURS, stamp: note?.stamp }
  const { kind, from, isPrefixKept } = verdict
  return { foreign: { from: commitLogOffset(from), isPrefixKept }, stamp: note?.stamp, isNew: kind === 'foreign' }
}
