// Which connections have producers of a group: the broker asks one of them about transactions that nobody decided.
// Invariant: a connection that is gone is in no group. Java: ProducerManager.
import type { Peer } from '@rocketmq-ts/remoting'
import type { Clock } from '@rocketmq-ts/runtime'
import { SECOND_MS } from '../limits.ts'

/** Groups of all connections together, at most; of those beyond no producer is asked. */
export const PRODUCERS_MAX = 100_000
/** A group that a connection did not name for so long has no producer there. Java: CHANNEL_EXPIRED_TIMEOUT. */
export const PRODUCER_SILENT_MS_MAX = 120 * SECOND_MS

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

  function note(peer: Peer, group: string, groups: Set<string>): void {
    if (!groups.has(group)) {
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
      const silentSince = clock.monotonicMs() - PRODUCER_SILENT_MS_MAX
      const peers = byGroup.get(group)
      for (const [peer, seenMs] of peers ?? []) {
        if (seenMs < silentSince) {
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
