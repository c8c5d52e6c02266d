// The message group of a record as a number: what it is held up by where a group consumes in order by message group. In memory
// only, so another hash may take its place. Groups of equal hashes are held up together.
import { createRecordPeek, MqError, peekRecord, PropertyName } from '@rocketmq-ts/model'
import { findProperty } from '../send/property-text.ts'

const FNV_OFFSET = 0x811c_9dc5 | 0
const FNV_PRIME = 0x0100_0193

/** Messages of no group are one line, and so are those that can not be read. */
export const NO_GROUP = FNV_OFFSET

/** FNV-1a of the name's bytes. */
function hashOf(name: string): number {
  let hash = FNV_OFFSET
  for (let at = 0; at < name.length; at += 1) hash = Math.imul(hash ^ name.charCodeAt(at), FNV_PRIME)
  return hash
}

/** Hashes the message group of a record. Throws MqError 'damaged' where none is. */
export function createGroupHash(): (bytes: Buffer, at: number) => number {
  const peek = createRecordPeek()
  return (bytes, at) => {
    if (peekRecord(bytes, at, peek) !== 'record') throw new MqError('damaged', `no record to read: ${peek.problem}`)
    const properties = bytes.toString('latin1', peek.propertiesAt, peek.propertiesAt + peek.propertiesLength)
    return hashOf(findProperty(properties, PropertyName.SHARDING_KEY) ?? '')
  }
}
