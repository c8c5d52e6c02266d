// An independent count of what a test saw: messages per queue by the answers of sends, settled ones by the answers of
// acks. The ledger of the broker must agree.
import assert from 'node:assert'
import type { QueueLedger } from '../src/index.ts'

export interface Tally {
  sent(topic: string, queueId: number, queueOffset: number): void
  popped(topic: string, group: string, queueId: number, queueOffset: number, popTimeMs: number): void
  /** A success answer; counts when it was for the last delivery. */
  acked(topic: string, group: string, queueId: number, queueOffset: number, popTimeMs: number): void
  deleted(topic: string): void
  /** Before a reset is asked for: returns what to tell where it is answered, the group goes on at `to`. */
  resetting(): (topic: string, group: string, queueId: number, to: number) => void
  check(ledger: readonly QueueLedger[]): void
}

export function createTally(): Tally {
  const written = new Map<string, number>()
  const deliveries = new Map<string, number>()
  const acked = new Map<string, Set<number>>()

  return {
    sent(topic, queueId, queueOffset) {
      const key = `${topic} ${queueId}`
      written.set(key, Math.max(written.get(key) ?? 0, queueOffset + 1))
    },
    popped(topic, group, queueId, queueOffset, popTimeMs) {
      deliveries.set(`${topic} ${group} ${queueId} ${queueOffset}`, popTimeMs)
    },
    acked(topic, group, queueId, queueOffset, popTimeMs) {
      if (deliveries.get(`${topic} ${group} ${queueId} ${queueOffset}`) !== popTimeMs) return
      const key = `${topic} ${group} ${queueId}`
      const offsets = acked.get(key) ?? new Set()
      acked.set(key, offsets.add(queueOffset))
    },
    deleted(topic) {
      for (const map of [written, deliveries, acked]) {
        for (const key of map.keys()) if (key.startsWith(`${topic} `)) map.delete(key)
      }
    },
    resetting() {
      const before = new Map(deliveries)
      return (topic, group, queueId, to) => {
        const queue = `${topic} ${group} ${queueId}`
        for (const [key, popTimeMs] of before) {
          // Who waited may have got it again before the reset was answered.
          if (key.startsWith(`${queue} `) && deliveries.get(key) === popTimeMs) deliveries.delete(key)
        }
        const kept = [...(acked.get(queue) ?? [])].filter((offset) => offset < to)
        acked.set(queue, new Set(kept))
      }
    },
    check(ledger) {
      for (const line of ledger) {
        const { topic, group, queueId, buckets, sum, max, faults } = line
        const name = `${topic} ${group} ${queueId}`
        assert.deepStrictEqual(faults, [], `ledger of ${name}`)
        assert.strictEqual(sum, max, `ledger of ${name}: buckets and messages written`)
        if (topic.startsWith('%')) continue
        assert.ok(
          max >= (written.get(`${topic} ${queueId}`) ?? 0),
          `ledger of ${name}: fewer messages than were acknowledged`,
        )
        assert.strictEqual(buckets.acked, acked.get(name)?.size ?? 0, `ledger of ${name}: acked`)
      }
    },
  }
}
