// A backlog that is only on the disk, drained in process: units, records, CRC. The probe reads the same files past the page
// cache, one MiB after the other. Through the page cache they are read as well, and told, but judge nobody: on a virtual
// machine a page that the host gave back costs a fault of the host, and the same file takes from one to five times as long.
import { closeSync, constants, openSync, readdirSync, readSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate as nextTick } from 'node:timers/promises'
import { queueOffset } from '@rocketmq-ts/model'
import { pageAligned } from '@rocketmq-ts/runtime'
import type { MessageStore, Unit } from '@rocketmq-ts/store'
import { medianOf } from '../../report/report.ts'
import { createRecords, fillStore, openBenchStore } from '../bench-store.ts'
import type { ColdFigures } from '../figures.ts'
import { dropFromPageCache } from '../page-cache.ts'
import { medianPair, takeTurns } from '../pairs.ts'
import type { StoreSize } from '../store-size.ts'

const MIB = 1024 * 1024
const BODY_BYTES = 1024
const TOPIC = 'bench-0'
const GROUP = 'bench'
/** Messages of one pop, and pops of one group under way: those of eight receivers. */
export const PER_POP = 32
const POPS_UNDER_WAY = 8
const QUEUES = 8
const REPLY_BYTES = 64 * 1024

export async function measureCold(folder: string, { coldRounds, coldBytes }: StoreSize): Promise<ColdFigures> {
  const data = join(folder, 'cold')
  const count = Math.ceil(coldBytes / BODY_BYTES)
  const filled = await openBenchStore(data)
  await fillStore(filled, createRecords({ bodyBytes: BODY_BYTES, queuesPerTopic: QUEUES }), {
    from: 0,
    count,
    perTurn: 128,
  })
  await filled.close()
  const probeWay = readsDirectly(data) ? 'direct' : 'cached'
  let cachedShare = 0
  let messages = 0
  const cachedRates: number[] = []

  /** Nothing of the log is in the page cache. */
  function forget(): void {
    cachedShare = Math.max(cachedShare, dropFromPageCache(data))
  }

  async function probe(): Promise<number> {
    forget()
    return readLog(data, probeWay)
  }

  async function drain(): Promise<number> {
    forget()
    const store = await openBenchStore(data)
    const startMs = performance.now()
    const drained = await drainAll(store)
    const seconds = (performance.now() - startMs) / 1000
    await store.close()
    messages = drained.messages
    forget()
    cachedRates.push(readLog(data, 'cached'))
    return drained.bytes / MIB / seconds
  }

  // The code of the drain is compiled, as the probe's is.
  await drain()
  const pairs = await takeTurns(coldRounds, probe, drain)
  rmSync(data, { recursive: true })
  return { ...medianPair(pairs), probeWay, cachedProbeMibPerSecond: medianOf(cachedRates), cachedShare, messages }
}

/** False where the system or its file system has no reads past the page cache: macOS, or an older tmpfs. */
function readsDirectly(data: string): boolean {
  const { O_DIRECT } = constants as { readonly O_DIRECT?: number }
  if (O_DIRECT === undefined) return false
  try {
    readLog(data, 'direct')
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'EINVAL' || error.code === 'EOPNOTSUPP'))
      return false
    throw error
  }
}

/** MiB per second of sequential reads of 1 MiB through all files of the log. */
function readLog(data: string, way: 'direct' | 'cached'): number {
  const folder = join(data, 'commitlog')
  const flags = way === 'direct' ? constants.O_RDONLY | constants.O_DIRECT : constants.O_RDONLY
  const piece = pageAligned(MIB)
  let bytes = 0
  const startMs = performance.now()
  for (const name of readdirSync(folder)) {
    const path = join(folder, name)
    const written = Math.min(statSync(path).blocks * 512, statSync(path).size)
    const file = openSync(path, flags)
    for (let at = 0; at < written; at += MIB) bytes += readSync(file, piece, 0, MIB, at)
    closeSync(file)
  }
  return bytes / MIB / ((performance.now() - startMs) / 1000)
}

export interface Drained {
  readonly messages: number
  readonly bytes: number
}

/** Reads every message of every queue, in pops that take turns over the queues. Each pop is an event of its own. */
export async function drainAll(store: MessageStore): Promise<Drained> {
  let messages = 0
  let bytes = 0
  const next = Array.from({ length: QUEUES }, () => 0)

  async function receiver(slot: number): Promise<void> {
    const reply = createReply(store)
    for (let queueId = slot % QUEUES; ; queueId = (queueId + 1) % QUEUES) {
      await nextTick()
      const units = await takeUnits(store, queueId, next)
      if (units.length === 0 && isDrained(store, next)) return
      messages += units.length
      const replied = await reply(units)
      bytes += replied
    }
  }

  await Promise.all(Array.from({ length: POPS_UNDER_WAY }, (_, slot) => receiver(slot)))
  return { messages, bytes }
}

/** Into one body, as the answer of a pop has it: sent, and then used again. */
function createReply(store: MessageStore) {
  let body = Buffer.allocUnsafe(REPLY_BYTES)
  return async (units: readonly Unit[]): Promise<number> => {
    const bytes = units.reduce((sum, { size }) => sum + size, 0)
    if (bytes > body.length) body = Buffer.allocUnsafe(bytes)
    const pending: Promise<void>[] = []
    let next = 0
    for (const unit of units) {
      const reading = store.readInto(unit, body, next, GROUP)
      if (reading !== undefined) pending.push(reading)
      next += unit.size
    }
    if (pending.length > 0) await Promise.all(pending)
    return bytes
  }
}

async function takeUnits(store: MessageStore, queueId: number, next: number[]): Promise<Unit[]> {
  for (;;) {
    const units: Unit[] = []
    const from = next[queueId] ?? 0
    const queue = { topic: TOPIC, queueId }
    const result = store.scan(
      queue,
      queueOffset(from),
      (unit) => {
        if (units.length >= PER_POP) return 'stop'
        units.push(unit)
        return 'take'
      },
      { unitsMax: PER_POP },
    )
    if (result.kind === 'scanned') {
      next[queueId] = result.next
      return units
    }
    await result.load(GROUP)
  }
}

function isDrained(store: MessageStore, next: readonly number[]): boolean {
  return next.every((offset, queueId) => offset >= store.bounds(TOPIC, queueId).max)
}
