// What really lies in a broker's folder, read by a process of its own after the broker has ended: every consume queue,
// and the record behind each of its units. Shares no state with the broker, so it can contradict its books.
import { Buffer } from 'node:buffer'
import { decodeProperties, decodeRecord, PropertyName, queueOffset } from '@rocketmq-ts/model'
import { utf8Decode } from '@rocketmq-ts/bytes'
import { type Effects, silentLogger } from '@rocketmq-ts/runtime'
import { type MessageStore, openMessageStore, type Unit } from '@rocketmq-ts/store'
import { BROKER_FOLDER, INDEX_SIZES } from './service-mains.ts'

const UNITS_PER_SCAN = 1024

export interface AuditedRecord {
  readonly brokerName: string
  readonly topic: string
  readonly queueId: number
  readonly queueOffset: number
  readonly messageId: string
  readonly reconsumeTimes: number
  readonly properties: ReadonlyMap<string, string>
  readonly body: Uint8Array
}

export interface BrokerAudit {
  readonly brokerName: string
  /** In the order of topic, queue and offset; system topics left out. */
  readonly records: readonly AuditedRecord[]
  /** What could not be read: must be empty. */
  readonly faults: readonly string[]
}

export interface AuditOptions {
  readonly brokerName: string
  readonly segmentBytes: number
  readonly isWanted: (topic: string) => boolean
}

/** Opens the folder of a broker that has ended, reads everything, and gives it back. */
export async function auditStore(effects: Effects, options: AuditOptions): Promise<BrokerAudit> {
  const store = await openMessageStore(
    {
      folder: BROKER_FOLDER,
      flushMode: 'SYNC_FLUSH',
      segmentBytes: options.segmentBytes,
      indexSlots: INDEX_SIZES.maxHashSlotNum,
      indexEntries: INDEX_SIZES.maxIndexNum,
      holder: 'the audit',
    },
    { ...effects, logger: silentLogger },
  )
  const records: AuditedRecord[] = []
  const faults: string[] = []
  const queues = [...store.queues()].filter(({ topic }) => options.isWanted(topic))
  queues.sort((a, b) => (a.topic === b.topic ? a.queueId - b.queueId : a.topic < b.topic ? -1 : 1))
  for (const queue of queues) {
    for (const unit of await unitsOf(store, queue)) {
      try {
        const record = decodeRecord(await store.read(unit.commitLogOffset, unit.size))
        const properties = decodeProperties(utf8Decode(record.properties, 'properties'))
        records.push({
          brokerName: options.brokerName,
          topic: queue.topic,
          queueId: queue.queueId,
          queueOffset: unit.queueOffset,
          messageId: properties.get(PropertyName.UNIQ_KEY) ?? '',
          reconsumeTimes: record.reconsumeTimes,
          properties,
          body: Buffer.from(record.body),
        })
        if (
          record.topic !== queue.topic ||
          record.queueId !== queue.queueId ||
          record.queueOffset !== unit.queueOffset
        ) {
          faults.push(
            `${placeOf(queue, unit)}: its record says ${record.topic} ${record.queueId} ${record.queueOffset}`,
          )
        }
      } catch (error) {
        faults.push(`${placeOf(queue, unit)}: ${error instanceof Error ? error.message : String(error)}`)
      }
    }
  }
  for (const { from, to } of store.recovery.damaged) faults.push(`the log is damaged from ${from} to ${to}`)
  await store.close()
  return { brokerName: options.brokerName, records, faults }
}

interface Queue {
  readonly topic: string
  readonly queueId: number
}

function placeOf({ topic, queueId }: Queue, unit: Unit): string {
  return `${topic} queue ${queueId} offset ${unit.queueOffset}`
}

async function unitsOf(store: MessageStore, queue: Queue): Promise<Unit[]> {
  const units: Unit[] = []
  const { min, max } = store.bounds(queue.topic, queue.queueId)
  let from = min
  while (from < max) {
    const result = store.scan(
      queue,
      queueOffset(from),
      (unit) => {
        units.push({ ...unit })
        return 'take'
      },
      { unitsMax: UNITS_PER_SCAN },
    )
    if (result.kind === 'cold') await result.load()
    else from = result.next
  }
  return units
}
