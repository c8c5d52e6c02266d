// What waits on behalf of a connection ends with it. One close callback per connection, however many requests wait.
import type { Peer } from '@rocketmq-ts/remoting'
import type { Wait } from './long-polling.ts'

export interface PeerWaits {
  /** The wait is told when the connection goes, at once if it is gone; `done` must be called when it ended by itself. */
  add(peer: Peer, wait: Wait): { done(): void }
  /** Nobody is there any more to take what is found. */
  isGone(peer: Peer): boolean
}

interface Waits {
  readonly all: Set<Wait>
  gone: boolean
}

/** Creates the registry. */
export function createPeerWaits(): PeerWaits {
  const byPeer = new WeakMap<Peer, Waits>()

  function of(peer: Peer): Waits {
    const known = byPeer.get(peer)
    if (known !== undefined) return known
    const waits: Waits = { all: new Set(), gone: false }
    byPeer.set(peer, waits)
    peer.onClose(() => {
      waits.gone = true
      for (const each of waits.all) each.gone()
    })
    return waits
  }

  return {
    add(peer, wait) {
      const waits = of(peer)
      if (waits.gone) wait.gone()
      else waits.all.add(wait)
      return { done: () => void waits.all.delete(wait) }
    },
    isGone: (peer) => of(peer).gone,
  }
}
