// The start-up cache: every full state in one piece, ordered by name: equal cores have equal snapshots. The file around
// it has checksum and `coversTo`.
//
//   version 1 · popTimeFloor · popTimeMax · deletedMessages · states: count, then each length · state record
import { VarintReader, VarintWriter } from './journal/varint.ts'
import type { LiveQueue } from './queue-state.ts'
import { decodeState, encodeState } from './state-record.ts'
import type { Transitions } from './transitions.ts'

const VERSION = 1
const STATE_BYTES_MIN = 16

function byName(a: LiveQueue, b: LiveQueue): number {
  if (a.topic !== b.topic) return a.topic < b.topic ? -1 : 1
  if (a.group !== b.group) return a.group < b.group ? -1 : 1
  return a.queueId - b.queueId
}

export function encodeSnapshot(transitions: Transitions): Uint8Array {
  const out = new VarintWriter(64 * 1024)
  const scratch = new VarintWriter()
  const queues = [...transitions.registry.all()].sort(byName)
  out.byte(VERSION)
  out.varint(transitions.popTimeFloor)
  out.varint(transitions.popTimeMax)
  out.varint(transitions.deletedMessages)
  out.varint(queues.length)
  for (const queue of queues) out.block(encodeState(queue, transitions.entries, scratch))
  return out.copy()
}

/** Fills empty transitions. Throws MqError 'damaged' before anything is changed. */
export function restoreSnapshot(transitions: Transitions, bytes: Uint8Array): void {
  const input = new VarintReader(bytes, 'in-flight snapshot')
  const version = input.byte('version')
  if (version !== VERSION) throw input.refuse('version', `is ${version}, this broker reads ${VERSION}`)
  const popTimeFloor = input.varint('popTimeFloor')
  const popTimeMax = input.varint('popTimeMax')
  const deletedMessages = input.varint('deletedMessages')
  const count = input.count('states', STATE_BYTES_MIN)
  const states = []
  for (let at = 0; at < count; at += 1) states.push(decodeState(input.block('state', input.remaining)))
  if (input.remaining > 0) throw input.refuse('end', `is followed by ${input.remaining} bytes`)
  for (const state of states) transitions.restore(state)
  transitions.popTimeFloor = Math.max(transitions.popTimeFloor, popTimeFloor)
  transitions.popTimeMax = Math.max(transitions.popTimeMax, popTimeMax)
  transitions.deletedMessages = deletedMessages
}
