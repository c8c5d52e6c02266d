// Two checkpoints. Ours says which units of the consume queue files can be trusted, has those that are in no file, and
// says up to which position of the log: recovery reads the log from there. Apache's `checkpoint` (five i8 in 4096 bytes)
// is written beside it for Apache's tools.
import { BytesError, readInt64, writeInt64 } from '@rocketmq-ts/bytes'
import { FileError, type Files, type Generation, readGenerations, writeGeneration } from '@rocketmq-ts/runtime'
import { seal } from './checkpoint-seal.ts'
import type { QueueState } from './consume-queue/queue-table.ts'
import type { IndexState } from './key-index/key-index-options.ts'
import type { IndexFileState } from './key-index/layout.ts'
import {
  decodeQueueStates,
  encodeQueueStates,
  isPosition,
  type QueueStates,
  type StatesVersion,
} from './queue-states.ts'

const KIND = 'STCP'
/** 1 had queues as JSON, without units; 2 had no places in packs. */
const VERSION = 3
const LENGTH_BYTES = 4

/** Sizes of the files of a folder, fixed for its life. Tools that know no settings read them here. */
export interface FolderShape {
  readonly segmentBytes: number
  readonly unitsPerFile: number
  readonly indexSlots?: number
  readonly indexEntries?: number
}

/** What our checkpoint holds: the state of every queue when the log was written up to `coversTo`. */
export interface Checkpoint {
  readonly coversTo: number
  /** Position of the first byte that the log keeps: never taken back, whatever files are still there. */
  readonly min: number
  readonly queues: QueueStates
  readonly shape?: FolderShape | undefined
  /** Undefined where the key index failed: it is built again at the next start. */
  readonly index: IndexState | undefined
  /** See `RecoveryReport.tailCommits`: those of a start, as long as no journal record has come behind. */
  readonly commits?: readonly number[] | undefined
}

/** A checkpoint file that can be read, newest first. */
export interface StoredCheckpoint extends Checkpoint {
  readonly generation: Generation
}

/** `whenFlushed` is awaited before the file takes its name: a checkpoint never runs ahead of the log. */
export async function writeCheckpoint(
  files: Files,
  path: string,
  checkpoint: Checkpoint,
  whenFlushed: (position: number) => Promise<void>,
): Promise<void> {
  const { min, shape, queues, commits = [] } = checkpoint
  const index = checkpoint.index && { ...checkpoint.index, files: checkpoint.index.files.map(encodeIndexFile) }
  const { lost } = queues
  const some = { ...(lost.length > 0 && { lost }), ...(commits.length > 0 && { commits }) }
  const head = Buffer.from(JSON.stringify({ min, shape, index, ...some }))
  const length = Buffer.alloc(LENGTH_BYTES)
  length.writeUInt32BE(head.length)
  await writeGeneration(files, path, {
    kind: KIND,
    version: VERSION,
    coversTo: checkpoint.coversTo,
    payload: [length, head, queues.bytes],
    whenFlushed,
  })
}

/** Of version 1. */
function decodeQueue(entry: unknown): QueueState | undefined {
  if (!Array.isArray(entry)) return undefined
  const [topic, queueId, min, max] = entry as unknown[]
  if (typeof topic !== 'string' || !isPosition(queueId) || !isPosition(min) || !isPosition(max)) return undefined
  return min <= max ? { topic, queueId, min, max } : undefined
}

function decodeShape(shape: unknown): FolderShape | undefined {
  if (typeof shape !== 'object' || shape === null) return undefined
  const { segmentBytes, unitsPerFile, indexSlots, indexEntries } = shape as Partial<FolderShape>
  if (!isPosition(segmentBytes) || !isPosition(unitsPerFile) || segmentBytes * unitsPerFile === 0) return undefined
  if (!isPosition(indexSlots) || !isPosition(indexEntries)) return { segmentBytes, unitsPerFile }
  return { segmentBytes, unitsPerFile, indexSlots, indexEntries }
}

function encodeIndexFile(file: IndexFileState): unknown[] {
  const { name, beginTimestampMs, endTimestampMs, beginOffset, endOffset, usedSlots, count } = file
  return [name, beginTimestampMs, endTimestampMs, beginOffset, endOffset, usedSlots, count]
}

function decodeIndexFile(entry: unknown): IndexFileState | undefined {
  if (!Array.isArray(entry)) return undefined
  const [name, ...numbers] = entry as unknown[]
  if (typeof name !== 'string' || numbers.length !== 6 || !numbers.every(isPosition)) return undefined
  const [beginTimestampMs, endTimestampMs, beginOffset, endOffset, usedSlots, count] = numbers as [
    number,
    number,
    number,
    number,
    number,
    number,
  ]
  return { name, beginTimestampMs, endTimestampMs, beginOffset, endOffset, usedSlots, count }
}

/** Undefined for what we do not know: then the index is judged by its files alone. */
function decodeIndex(index: unknown): IndexState | undefined {
  if (typeof index !== 'object' || index === null) return undefined
  const { coversTo, files } = index as { coversTo: unknown; files: unknown }
  if (!isPosition(coversTo) || !Array.isArray(files)) return undefined
  const decoded = files.map(decodeIndexFile)
  return decoded.includes(undefined) ? undefined : { coversTo, files: decoded as IndexFileState[] }
}

type Content = Omit<Checkpoint, 'coversTo'>

interface Head {
  readonly head: Omit<Content, 'queues'>
  /** Of version 1. */
  readonly queues: unknown
  /** Places in the list of queues. */
  readonly lost: readonly number[]
}

function positionsOf(list: unknown): number[] {
  return Array.isArray(list) ? list.filter(isPosition) : []
}

function decodeHead(text: string): Head | undefined {
  const content = JSON.parse(text) as Record<'min' | 'queues' | 'shape' | 'index' | 'lost' | 'commits', unknown>
  const { min = 0, queues, shape, index, lost, commits } = content
  if (!isPosition(min)) return undefined
  const head = { min, shape: decodeShape(shape), index: decodeIndex(index), commits: positionsOf(commits) }
  return { head, queues, lost: positionsOf(lost) }
}

/** Version 1: all of it is JSON. */
function decodeText(payload: Buffer): Content | undefined {
  const decoded = decodeHead(payload.toString())
  if (decoded === undefined || !Array.isArray(decoded.queues)) return undefined
  const queues = decoded.queues.map(decodeQueue)
  return queues.includes(undefined) ? undefined : { ...decoded.head, queues: encodeQueueStates(queues as QueueState[]) }
}

function decodeParts(payload: Buffer, version: StatesVersion): Content | undefined {
  const end = LENGTH_BYTES + payload.readUInt32BE(0)
  const decoded = decodeHead(payload.toString('utf8', LENGTH_BYTES, end))
  if (decoded === undefined) return undefined
  const queues = decodeQueueStates(payload.subarray(end), decoded.lost, version)
  if (queues === undefined) return undefined
  // Its bytes are written again as they are: those of today's form.
  return { ...decoded.head, queues: version === 2 ? encodeQueueStates(Array.from(queues)) : queues }
}

function decodePayload({ version, payload }: Generation): Content | undefined {
  const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength)
  try {
    return version === 1 ? decodeText(bytes) : decodeParts(bytes, version === 2 ? 2 : 3)
  } catch {
    // The CRC was right, so this is a format we do not know: the same as no checkpoint, which is reported.
    return undefined
  }
}

/** All checkpoints that can be read, newest first, and the paths of those that can not. */
export async function readCheckpoints(
  files: Files,
  path: string,
): Promise<{ readonly valid: readonly StoredCheckpoint[]; readonly damaged: readonly string[] }> {
  const generations = await readGenerations(files, path, { kind: KIND, versionMax: VERSION })
  const valid: StoredCheckpoint[] = []
  const damaged = generations.damaged.map((generation) => generation.path)
  for (const generation of generations.valid) {
    const content = decodePayload(generation)
    if (content === undefined) damaged.push(generation.path)
    else valid.push({ generation, coversTo: generation.coversTo, ...content })
  }
  return { valid, damaged }
}

/**
 * How far the log was flushed by the word of its checkpoints: each was renamed when all it covers was. For a start that has
 * lost the mark; undefined without one that the log can hold.
 */
export function coveredEnd(
  valid: readonly StoredCheckpoint[],
  { min, end }: { readonly min: number; readonly end: number },
): number | undefined {
  const ends = valid.map(({ coversTo }) => coversTo).filter((coversTo) => coversTo >= min && coversTo <= end)
  return ends.length === 0 ? undefined : Math.max(...ends)
}

/** Length of Apache's file. Java: StoreCheckpoint, MappedFile.OS_PAGE_SIZE. */
export const STORE_CHECKPOINT_BYTES = 4096

/** Apache's checkpoint. Times are those of the last record stored, in milliseconds. */
export interface StoreCheckpoint {
  readonly physicMsgTimestamp: number
  readonly logicsMsgTimestamp: number
  readonly indexMsgTimestamp: number
  readonly masterFlushedOffset: number
  readonly confirmPhyOffset: number
}

/** All of Apache's file. */
export function encodeStoreCheckpoint(checkpoint: StoreCheckpoint): Uint8Array {
  const bytes = new Uint8Array(STORE_CHECKPOINT_BYTES)
  writeInt64(bytes, 0, checkpoint.physicMsgTimestamp, 'physicMsgTimestamp')
  writeInt64(bytes, 8, checkpoint.logicsMsgTimestamp, 'logicsMsgTimestamp')
  writeInt64(bytes, 16, checkpoint.indexMsgTimestamp, 'indexMsgTimestamp')
  writeInt64(bytes, 24, checkpoint.masterFlushedOffset, 'masterFlushedOffset')
  writeInt64(bytes, 32, checkpoint.confirmPhyOffset, 'confirmPhyOffset')
  seal(bytes)
  return bytes
}

/** Throws BytesError for fewer than 40 bytes. All zero is valid. */
export function decodeStoreCheckpoint(bytes: Uint8Array): StoreCheckpoint {
  return {
    physicMsgTimestamp: readInt64(bytes, 0, 'physicMsgTimestamp'),
    logicsMsgTimestamp: readInt64(bytes, 8, 'logicsMsgTimestamp'),
    indexMsgTimestamp: readInt64(bytes, 16, 'indexMsgTimestamp'),
    masterFlushedOffset: readInt64(bytes, 24, 'masterFlushedOffset'),
    confirmPhyOffset: readInt64(bytes, 32, 'confirmPhyOffset'),
  }
}

/** Replaces Apache's file, durably: what is written behind it may rely on what it says. */
export async function writeStoreCheckpoint(files: Files, path: string, checkpoint: StoreCheckpoint): Promise<void> {
  const temporary = `${path}.tmp`
  const file = await files.open(temporary, 'create')
  try {
    await file.truncate(STORE_CHECKPOINT_BYTES)
    file.writeSync(0, [encodeStoreCheckpoint(checkpoint)])
    await file.sync()
  } finally {
    await file.close()
  }
  await files.rename(temporary, path)
  await files.syncFolder(path.slice(0, path.lastIndexOf('/')))
}

/** Apache's file; undefined where there is none that can be read. */
export async function readStoreCheckpoint(files: Files, path: string): Promise<StoreCheckpoint | undefined> {
  try {
    const bytes = await files.readWhole(path, STORE_CHECKPOINT_BYTES)
    return bytes === undefined ? undefined : decodeStoreCheckpoint(bytes)
  } catch (error) {
    if (error instanceof BytesError || error instanceof FileError) return undefined
    throw error
  }
}
