// The small files beside the log: our checkpoints, the flushed mark, Apache's checkpoint, the reserve.
import { BytesError } from '@rocketmq-ts/bytes'
import { type Files, readGenerations } from '@rocketmq-ts/runtime'
import { SEAL_BYTES, sealOf } from '../checkpoint-seal.ts'
import { decodeStoreCheckpoint, STORE_CHECKPOINT_BYTES } from '../checkpoint.ts'
import { FLUSHED_MARK } from '../flushed-mark.ts'
import { pathsOf } from '../store-settings.ts'
import type { Findings } from './finding.ts'
import { type Folder, sizeOf } from './folder-shape.ts'
import { firstNonZero, firstWritten } from './zeros.ts'

/** Bytes of `checkpoint` that have a meaning. */
const STORE_CHECKPOINT_USED_BYTES = 40

/** The highest flushed mark; undefined where none can be read. One that is damaged is a finding. */
export async function readFlushedMarks(files: Files, folder: Folder, findings: Findings): Promise<number | undefined> {
  const { valid, damaged } = await readGenerations(files, pathsOf(folder.root).flushedMark, FLUSHED_MARK)
  for (const { path, reason } of damaged) findings.add('flushed-mark', { file: nameIn(folder, path) }, reason)
  const positions = valid.map(({ coversTo }) => coversTo)
  return positions.length === 0 ? undefined : Math.max(...positions)
}

export function reportCheckpoints(folder: Folder, findings: Findings): void {
  for (const path of folder.damagedCheckpoints) {
    findings.add('checkpoint', { file: nameIn(folder, path) }, 'can not be read')
  }
}

export interface LogFacts {
  readonly end: number
  /** Store time of the last record that ends at a position or before; undefined where the scan was not asked for it. */
  storedBefore(position: number): number | undefined
  /** Store time of the last record with a key, 0 without one. */
  readonly lastKeyMs: number
}

/** Everything beside the log that must not be ahead of it. */
export async function checkSidecars(files: Files, folder: Folder, findings: Findings, log: LogFacts): Promise<void> {
  const { end } = log
  for (const { generation } of folder.checkpoints) {
    if (generation.coversTo <= end) continue
    const problem = `covers the log up to ${generation.coversTo}, which ends at ${end}`
    findings.add('checkpoint', { file: nameIn(folder, generation.path) }, problem)
  }
  if (folder.names.includes('checkpoint')) await checkStoreCheckpoint(files, folder, findings, log)
  else if (folder.checkpoints.length > 0) findings.add('store-checkpoint', { file: 'checkpoint' }, 'is missing')
  if (folder.names.includes('reserve')) await checkReserve(files, folder, findings)
}

/** Java: StoreCheckpoint. */
async function checkStoreCheckpoint(files: Files, folder: Folder, findings: Findings, log: LogFacts): Promise<void> {
  const report = (problem: string, at?: number) => findings.add('store-checkpoint', { file: 'checkpoint', at }, problem)
  const path = pathsOf(folder.root).checkpoint
  const size = await sizeOf(files, path)
  if (size !== STORE_CHECKPOINT_BYTES) return report(`has ${size} bytes instead of ${STORE_CHECKPOINT_BYTES}`)
  const bytes = Buffer.from((await files.readWhole(path, STORE_CHECKPOINT_BYTES)) ?? [])
  const extra = firstNonZero(bytes.subarray(0, -SEAL_BYTES), STORE_CHECKPOINT_USED_BYTES)
  if (extra >= 0) return report('has bytes where none have a meaning', extra)
  try {
    const { physicMsgTimestamp, logicsMsgTimestamp, indexMsgTimestamp, masterFlushedOffset, confirmPhyOffset } =
      decodeStoreCheckpoint(bytes)
    // One of ours says what our own says: Apache's broker, writing after us, leaves ours behind.
    const covered = folder.checkpoints.map(({ coversTo }) => coversTo)
    if (covered.length === 0) return
    if (!covered.includes(confirmPhyOffset))
      return report(`confirmPhyOffset is ${confirmPhyOffset}, ours ${covered[0]}`, 32)
    if (masterFlushedOffset !== 0) return report(`masterFlushedOffset is ${masterFlushedOffset}, without a master`, 24)
    const storedMs = log.storedBefore(confirmPhyOffset)
    const told = `the last record it covers was stored at ${storedMs}`
    if (physicMsgTimestamp !== 0 && storedMs !== undefined && physicMsgTimestamp !== storedMs) {
      return report(`physicMsgTimestamp is ${physicMsgTimestamp}, ${told}`, 0)
    }
    // Earlier where units are in no file of their queue.
    if (logicsMsgTimestamp > physicMsgTimestamp)
      return report(`logicsMsgTimestamp is ${logicsMsgTimestamp}, ${told}`, 8)
    const sealAt = STORE_CHECKPOINT_BYTES - SEAL_BYTES
    if (sealOf(bytes) !== 'ours') return report('its seal does not fit: something changed it', sealAt)
    // At the end of the log it is the time of the last key, or of the last record without one.
    const known = [0, log.lastKeyMs, physicMsgTimestamp, storedMs]
    if (confirmPhyOffset === log.end && !known.includes(indexMsgTimestamp)) {
      report(`indexMsgTimestamp is ${indexMsgTimestamp}, the last key was stored at ${log.lastKeyMs}`, 16)
    }
  } catch (error) {
    if (!(error instanceof BytesError)) throw error
    report(error.message)
  }
}

/** Zeros: its space is what counts. */
async function checkReserve(files: Files, folder: Folder, findings: Findings): Promise<void> {
  const file = await files.open(pathsOf(folder.root).reserve, 'read')
  try {
    const at = await firstWritten(file, 0, await file.size())
    if (at >= 0) findings.add('reserve', { file: 'reserve', at }, 'holds bytes that are not zero')
  } finally {
    await file.close()
  }
}

export function nameIn(folder: Folder, path: string): string {
  return path.slice(folder.root.length + 1)
}
