// Peers that answer from a script, through the same validators as real ones.
import { createManualEffects } from '@rocketmq-ts/testkit'
import { createDirectPeers, type ArrivedRequest, type Peer, type RequestHandler } from '@rocketmq-ts/remoting'
import { createPeerSource, type PeerSource } from '../../src/index.ts'

export interface ScriptedPeers {
  readonly effects: ReturnType<typeof createManualEffects>
  readonly peers: PeerSource
  /** Addresses asked for a connection, in order. */
  readonly connects: string[]
  /** What each address answers; absent: it can not be reached. */
  readonly handlers: Map<string, RequestHandler>
  /** Requests that arrived, with their address. */
  readonly arrived: { readonly address: string; readonly request: ArrivedRequest }[]
  /** Lets everything happen, then what the promise ended with. */
  ended<Value>(promise: Promise<Value>): Promise<Value>
}

export function createScriptedPeers(handlers: Readonly<Record<string, RequestHandler>> = {}): ScriptedPeers {
  const effects = createManualEffects()
  const connects: string[] = []
  const arrived: { address: string; request: ArrivedRequest }[] = []
  const table = new Map(Object.entries(handlers))

  async function connect(address: string): Promise<Peer> {
    connects.push(address)
    const handler = table.get(address)
    if (handler === undefined) throw new Error(`nobody listens at ${address}`)
    const handlerB: RequestHandler = (request) => {
      arrived.push({ address, request })
      handler(request)
    }
    return createDirectPeers({ ...effects, handlerA: () => {}, handlerB })[0]
  }

  return {
    effects,
    connects,
    handlers: table,
    arrived,
    peers: createPeerSource({ connect, clock: effects.clock }),
    async ended(promise) {
      promise.catch(() => {})
      await effects.settle()
      return promise
    },
  }
}
