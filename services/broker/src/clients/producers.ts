// Which connections have producers of a group: the broker asks one of them about transactions that nobody decided.
// Invariant: a connection that is gone is in no group. Java: ProducerManager.
import type { Peer } from '@rocketmq-ts/remoting'
import type { Clock } from '@rocketmq-ts/runtime'
import { SECOND_MS } from '../limits.ts'

/** Groups of all connections together, at most; of those beyond no producer is asked. */
export const PRODUCERS_MAX = 100_000
/** A group that a connection did not name for so long has no producer there. Java: CHANNEL_EXPIRED_TIMEOUT. */
export const PRODUCER_SILENT_MS_MAX = 120 * SECOND_MS
/** A full table is looked through so often at most: it takes some milliseconds. */
const PRUNE_PAUSE_MS = 10 * SECOND_MS

export interface Producers {
  /** The connection has producers of these groups. */
  seen(peer: Peer, groups: readonly string[]): void
  left(peer: Peer, group: string): void
  /** A connection with a producer of the group, each in its turn. */
  pick(group: string): Peer | undefined
  /** Groups of all connections together. */
  readonly size: number
}

/** Creates an empty table. */
export function createProducers({ clock }: { readonly clock: Pick<Clock, 'monotonicMs'> }): Producers {
  /** When each was heard of; who was picked last is the last one. */
  const byGroup = new Map<string, Map<Peer, number>>()
  const groupsOf = new Map<Peer, Set<string>>()
  let size = 0
  /** When the full table was looked through for groups that nobody names any more. */
  let prunedAtMs = Number.NEGATIVE_INFINITY

  function forget(peer: Peer, group: string): void {
    const peers = byGroup.get(group)
    if (peers?.delete(peer) !== true) return
    size -= 1
    if (peers.size === 0) byGroup.delete(group)
    groupsOf.get(peer)?.delete(group)
  }

  function gone(peer: Peer): void {
    for (const group of Array.from(groupsOf.get(peer) ?? [])) forget(peer, group)
    groupsOf.delete(peer)
  }

  function groupsAt(peer: Peer): Set<string> {
    let groups = groupsOf.get(peer)
    if (groups === undefined) {
      groups = new Set()
      groupsOf.set(peer, groups)
      peer.onClose(() => gone(peer))
    }
    return groups
  }

  /** A connection may live for years: what it named once must not keep others out. */
  function prune(): void {
    const nowMs = clock.monotonicMs()
    if (nowMs - prunedAtMs < PRUNE_PAUSE_MS) return
    prunedAtMs = nowMs
    for (const [group, peers] of byGroup) {
      for (const [peer, seenMs] of peers) if (isSilent(seenMs)) forget(peer, group)
    }
  }

  function isSilent(seenMs: number): boolean {
    return seenMs < clock.monotonicMs() - PRODUCER_SILENT_MS_MAX
  }

  function note(peer: Peer, group: string, groups: Set<string>): void {
    if (!groups.has(group)) {
      if (size >= PRODUCERS_MAX) prune()
      if (size >= PRODUCERS_MAX) return
      groups.add(group)
      size += 1
    }
    let peers = byGroup.get(group)
    if (peers === undefined) byGroup.set(group, (peers = new Map()))
    peers.set(peer, clock.monotonicMs())
  }

  return {
    seen(peer, groups) {
      if (groups.length === 0) return
      const known = groupsAt(peer)
      if (groupsOf.has(peer)) for (const group of groups) note(peer, group, known)
    },
    left: forget,
    pick(group) {
      const peers = byGroup.get(group)
      for (const [peer, seenMs] of peers ?? []) {
        if (isSilent(seenMs)) {
          forget(peer, group)
          continue
        }
        peers?.delete(peer)
        peers?.set(peer, seenMs)
        return peer
      }
      return undefined
    },
    get size() {
      return size
    },
  }
}
