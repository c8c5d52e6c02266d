// What waits on behalf of a connection ends with it. One close callback per connection, however many requests wait.
import type { Peer } from '@rocketmq-ts/remoting'
import type { Wait } from './long-polling.ts'

export interface PeerWaits {
  /** The wait is told when the connection goes; `done` must be called when it ended by itself. */
  add(peer: Peer, wait: Wait): { done(): void }
}

/** Creates the registry. */
export function createPeerWaits(): PeerWaits {
  const byPeer = new WeakMap<Peer, Set<Wait>>()
  return {
    add(peer, wait) {
      let waits = byPeer.get(peer)
      if (waits === undefined) {
        const all = new Set<Wait>()
        byPeer.set(peer, all)
        peer.onClose(() => {
          for (const each of all) each.gone()
        })
        waits = all
      }
      const own = waits
      own.add(wait)
      return { done: () => void own.delete(wait) }
    },
  }
}
