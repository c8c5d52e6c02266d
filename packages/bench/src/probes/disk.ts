// What the disk below the data folder can do, with the system calls that the log uses.
import {
  closeSync,
  fdatasync,
  fdatasyncSync,
  fsyncSync,
  openSync,
  readSync,
  statfsSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Histogram, type LatencySummary } from '../histogram.ts'

const KIB = 1024
const MIB = 1024 * KIB
const RECORD_BYTES = KIB
const BLOCK_BYTES = MIB
/** The sync probe writes over this region, zero-filled before, as the log does in sync mode. */
const REGION_BYTES = 32 * MIB

const FILE_SYSTEMS: Readonly<Record<number, string>> = {
  0xef53: 'ext4',
  0x58465342: 'xfs',
  0x9123683e: 'btrfs',
  0x01021994: 'tmpfs',
  0x794c7630: 'overlay',
}

/** Name of the file system below the folder, or its number. */
export function fileSystemOf(folder: string): string {
  const { type } = statfsSync(folder)
  return FILE_SYSTEMS[type] ?? `0x${type.toString(16)}`
}

export interface SyncProbe {
  /** Records of 1 KiB written before each fdatasync. */
  readonly batch: number
  readonly syncsPerSecond: number
  /** One write with its sync. */
  readonly latencyUs: LatencySummary
}

/** A write of `batch` records and an fdatasync, again and again. */
export function probeSync(folder: string, batch: number, ms: number): SyncProbe {
  const probe = openSyncProbe(folder, batch)
  try {
    while (probe.elapsedMs < ms) {
      probe.write()
      fdatasyncSync(probe.file)
      probe.synced()
    }
    return probe.result()
  } finally {
    probe.close()
  }
}

/** The same with the fdatasync on a thread of the pool, where a server must have it. */
export async function probePooledSync(folder: string, batch: number, ms: number): Promise<SyncProbe> {
  const probe = openSyncProbe(folder, batch)
  try {
    while (probe.elapsedMs < ms) {
      probe.write()
      await pooledSync(probe.file)
      probe.synced()
    }
    return probe.result()
  } finally {
    probe.close()
  }
}

const pooledSync = promisify(fdatasync)

function openSyncProbe(folder: string, batch: number) {
  const path = join(folder, 'sync-probe')
  const file = openSync(path, 'w+')
  fillWithZeros(file, REGION_BYTES)
  const records = Buffer.alloc(batch * RECORD_BYTES, 0x78)
  const latencies = new Histogram()
  const startMs = performance.now()
  let at = 0
  let nowMs = startMs
  return {
    file,
    get elapsedMs() {
      return nowMs - startMs
    },
    write() {
      writeSync(file, records, 0, records.length, at)
      at = (at + records.length) % (REGION_BYTES - records.length)
    },
    synced() {
      const endMs = performance.now()
      latencies.record(endMs - nowMs)
      nowMs = endMs
    },
    result: (): SyncProbe => ({
      batch,
      syncsPerSecond: (latencies.count * 1000) / (nowMs - startMs),
      latencyUs: latencies.summary(),
    }),
    close() {
      closeSync(file)
      unlinkSync(path)
    },
  }
}

export interface SequentialProbe {
  /** MiB/s into a new file, without and with the sync at its end; and out of the page cache again. */
  readonly writeMiBPerSecond: number
  readonly writeSyncedMiBPerSecond: number
  readonly readMiBPerSecond: number
}

/** `bytes` in blocks of 1 MiB. */
export function probeSequential(folder: string, bytes: number): SequentialProbe {
  const path = join(folder, 'sequential-probe')
  const file = openSync(path, 'w+')
  try {
    const startMs = performance.now()
    fillWithZeros(file, bytes, false)
    const writtenMs = performance.now()
    fsyncSync(file)
    const syncedMs = performance.now()
    const block = Buffer.alloc(BLOCK_BYTES)
    for (let at = 0; at < bytes; at += BLOCK_BYTES) readSync(file, block, 0, BLOCK_BYTES, at)
    const readMs = performance.now()
    const rate = (ms: number) => (bytes / MIB) * (1000 / ms)
    return {
      writeMiBPerSecond: rate(writtenMs - startMs),
      writeSyncedMiBPerSecond: rate(syncedMs - startMs),
      readMiBPerSecond: rate(readMs - syncedMs),
    }
  } finally {
    closeSync(file)
    unlinkSync(path)
  }
}

function fillWithZeros(file: number, bytes: number, synced = true): void {
  const block = Buffer.alloc(BLOCK_BYTES)
  for (let at = 0; at < bytes; at += BLOCK_BYTES) writeSync(file, block, 0, BLOCK_BYTES, at)
  if (synced) fsyncSync(file)
}
