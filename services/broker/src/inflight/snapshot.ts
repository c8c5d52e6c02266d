// The start-up cache: every full state in one piece, ordered by name: equal cores have equal snapshots. The file around
// it has checksum and `coversTo`.
//
//   version 1 · popTimeFloor · popTimeMax · deletedMessages · states: count, then each length · state record
//
// A million entries take long, so states are taken in steps, between which others go on. Invariant: each state is as it
// was at the begin. Whatever changes one says so before (`Transitions.changing`), and a state that is not taken yet is.
import type { Snapshot } from './api.ts'
import { VarintReader, VarintWriter } from './journal/varint.ts'
import type { LiveQueue } from './queue-state.ts'
import { decodeState, encodeState, stateBytesEstimate } from './state-record.ts'
import type { Transitions } from './transitions.ts'

const VERSION = 1
const STATE_BYTES_MIN = 16
/** Numbers in front of the states, and the length of each. */
const HEAD_BYTES_MAX = 64
const LENGTH_BYTES_MAX = 8

function byName(a: LiveQueue, b: LiveQueue): number {
  if (a.topic !== b.topic) return a.topic < b.topic ? -1 : 1
  if (a.group !== b.group) return a.group < b.group ? -1 : 1
  return a.queueId - b.queueId
}

/** Begins one; another one that is under way ends. */
export function beginSnapshot(transitions: Transitions): Snapshot {
  transitions.image?.end()
  const { popTimeFloor, popTimeMax, deletedMessages } = transitions
  const queues = [...transitions.registry.all()].sort(byName)
  const states: Uint8Array[] = []
  const scratch = new VarintWriter()
  let next = 0
  let isWanted = true
  let bytes = HEAD_BYTES_MAX
  for (const [place, queue] of queues.entries()) queue.imagePlace = place

  function take(queue: LiveQueue): void {
    const state = new Uint8Array(encodeState(queue, transitions.entries, scratch))
    states[queue.imagePlace] = state
    bytes += LENGTH_BYTES_MAX + state.length
    queue.imagePlace = -1
  }

  function isOver(): boolean {
    return next === queues.length
  }

  const snapshot: Snapshot = {
    step(bytesMax) {
      let taken = 0
      for (; !isOver(); next += 1) {
        const queue = queues[next]!
        if (queue.imagePlace < 0) continue
        const estimate = stateBytesEstimate(queue)
        if (taken > 0 && taken + estimate > bytesMax) return false
        take(queue)
        taken += estimate
      }
      if (transitions.image === image) transitions.image = undefined
      return true
    },
    encode() {
      if (!isOver() || !isWanted) throw new Error('the snapshot is not complete')
      const out = new VarintWriter(bytes)
      out.byte(VERSION)
      out.varint(popTimeFloor)
      out.varint(popTimeMax)
      out.varint(deletedMessages)
      out.varint(states.length)
      for (const state of states) out.block(state)
      return out.view()
    },
    end() {
      isWanted = false
      for (; !isOver(); next += 1) queues[next]!.imagePlace = -1
      states.length = 0
      if (transitions.image === image) transitions.image = undefined
    },
  }
  const image = { take, end: snapshot.end }
  transitions.image = image
  return snapshot
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
