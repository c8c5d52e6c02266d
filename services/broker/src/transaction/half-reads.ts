// Reads the records of half messages: at once where they are in memory, later from the disk.
import { type MessageRecord, MqError, decodeRecord } from '@rocketmq-ts/model'
import { FileError } from '@rocketmq-ts/runtime'
import type { QueueReader, Unit, UnitReader } from '@rocketmq-ts/store'
import type { PendingDelivery } from '../inflight/inflight.ts'
import { placeOf } from '../pop/copies.ts'
import { unitAt } from '../pop/take-messages.ts'

export interface HalfReads {
  /**
   * The record of one that is to be decided. Throws, or rejects with, MqError 'unavailable' where the disk fails, and
   * 'damaged' where there is no record.
   */
  read(pending: PendingDelivery): Uint8Array | Promise<Uint8Array>
  /** At a start. Undefined where it is damaged: that shows when somebody decides it, or is asked about it. */
  recordAt(pending: PendingDelivery, place: Unit): Promise<MessageRecord | undefined>
}

/** What a producer is told of a disk that does not give the record back: it may decide later. */
function unreadable(error: unknown, { offset }: PendingDelivery): unknown {
  if (!(error instanceof FileError)) return error
  return new MqError('unavailable', `half message ${offset} can not be read, end it later: ${error.message}`, error)
}

/** Creates the reads of one store. */
export function createHalfReads(store: QueueReader & UnitReader): HalfReads {
  async function readCold(pending: PendingDelivery): Promise<Uint8Array> {
    const place = await placeOf(store, pending)
    if (place === undefined) throw new MqError('damaged', `half message ${pending.offset} has no readable record`)
    return store.readUnit(pending.queue, place)
  }

  async function whenRead(bytes: Promise<Uint8Array>, pending: PendingDelivery): Promise<Uint8Array> {
    try {
      return await bytes
    } catch (error) {
      throw unreadable(error, pending)
    }
  }

  return {
    read(pending) {
      let bytes: Uint8Array | Promise<Uint8Array>
      try {
        const unit = unitAt(store, pending.queue, pending.offset)
        bytes =
          unit === undefined || typeof unit === 'function' ? readCold(pending) : store.readUnit(pending.queue, unit)
      } catch (error) {
        throw unreadable(error, pending)
      }
      return bytes instanceof Uint8Array ? bytes : whenRead(bytes, pending)
    },
    async recordAt({ queue }, place) {
      try {
        return decodeRecord(await store.readUnit(queue, place))
      } catch (error) {
        if (!(error instanceof MqError)) throw error
        return undefined
      }
    },
  }
}
