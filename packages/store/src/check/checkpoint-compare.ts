// Compares our checkpoints with the queues as the log has them at the same position.
import { RECORD_BYTES_MIN } from '@rocketmq-ts/model'
import type { StoredCheckpoint } from '../checkpoint.ts'
import type { Findings } from './finding.ts'
import type { Folder } from './folder-shape.ts'
import type { QueueCheck } from './queue-check.ts'
import { nameIn } from './sidecar-check.ts'

export interface CheckpointCompare {
  /** The record at `position` is the next one; `lastStoredMs` is the store time of the one before; `lostBytes` before it
   *  are damaged. */
  reach(position: number, lastStoredMs: number, lostBytes: number): void
  /** An incarnation ended: what was missing of it is no fault. */
  endTopic(topic: string): void
  finish(end: number, lastStoredMs: number, lostBytes: number): void
  storedBefore(position: number): number | undefined
}

export function createCheckpointCompare(
  folder: Folder,
  queues: QueueCheck,
  findings: Findings,
  logMin: number,
): CheckpointCompare {
  const waiting = [...folder.checkpoints].sort((a, b) => a.coversTo - b.coversTo)
  const stored = new Map<number, number>()
  let missing: { readonly topic: string; readonly file: string; readonly problem: string }[] = []

  function compare(checkpoint: StoredCheckpoint, lostBytes: number): void {
    const file = nameIn(folder, checkpoint.generation.path)
    const known = new Set<string>()
    for (const { topic, queueId, min, max } of checkpoint.queues) {
      known.add(`${topic}/${queueId}`)
      const track = queues.nextOf(topic, queueId)
      if (track === undefined) {
        // Retention may have taken all records, or damage, where it is large enough for them.
        if (logMin > 0 || max - min <= Math.floor(lostBytes / RECORD_BYTES_MIN)) continue
        missing.push({
          topic,
          file,
          problem: `has queue ${topic}/${queueId} up to ${max}, the log has no record of it`,
        })
      } else if (track.next !== max && !(max > track.next && lostBytes > 0)) {
        const problem = `has queue ${topic}/${queueId} up to ${max}, the log up to ${track.next} there`
        track.found({ kind: 'checkpoint', file, problem })
      }
    }
    for (const track of queues.tracks()) {
      if (track.next === 0 || known.has(`${track.topic}/${track.queueId}`)) continue
      track.found({ kind: 'checkpoint', file, problem: `lacks queue ${track.topic}/${track.queueId}` })
    }
  }

  function reach(position: number, lastStoredMs: number, lostBytes: number): void {
    for (let next = waiting[0]; next !== undefined && next.coversTo <= position; next = waiting[0]) {
      waiting.shift()
      stored.set(next.coversTo, lastStoredMs)
      compare(next, lostBytes)
    }
  }

  return {
    reach(position, lastStoredMs, lostBytes) {
      if (waiting.length > 0) reach(position, lastStoredMs, lostBytes)
    },
    endTopic(topic) {
      missing = missing.filter((each) => each.topic !== topic)
    },
    finish(end, lastStoredMs, lostBytes) {
      reach(end, lastStoredMs, lostBytes)
      for (const { file, problem } of missing) findings.add('checkpoint', { file }, problem)
    },
    storedBefore: (position) => stored.get(position),
  }
}
