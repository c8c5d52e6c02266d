// The two forms of a connection, for suites that run against both.
import { createManualEffects } from '@rocketmq-ts/testkit'
import {
  connectPeer,
  createDirectPeers,
  createRemotingServer,
  formatAddress,
  type Peer,
  type RemotingLimits,
  type RequestHandler,
} from '../../src/index.ts'

export type ManualEffects = ReturnType<typeof createManualEffects>

export interface PeerPair {
  readonly effects: ManualEffects
  /** Asks what `serverHandler` answers. */
  readonly client: Peer
  /** Asks what `clientHandler` answers. */
  readonly server: Peer
}

export interface PairOptions {
  readonly clientHandler?: RequestHandler
  readonly serverHandler?: RequestHandler
  readonly limits?: Partial<RemotingLimits>
}

export type OpenPair = (options: PairOptions) => Promise<PeerPair>

const silent: RequestHandler = () => {}

async function openSocketPair(options: PairOptions, serialization: 'json' | 'binary'): Promise<PeerPair> {
  const effects = createManualEffects()
  const { limits = {} } = options
  let accepted: Peer | undefined
  const server = createRemotingServer({
    ...effects,
    name: 'test',
    listen: { host: '127.0.0.1', port: 0 },
    handler: options.serverHandler ?? silent,
    limits,
    onConnection: (peer) => {
      accepted = peer
    },
  })
  await server.start()
  const handler = options.clientHandler ?? silent
  const address = formatAddress(server.address)
  const client = await connectPeer(effects.network, address, { ...effects, handler, limits, serialization })
  await effects.settle()
  if (accepted === undefined) throw new Error('no connection was accepted')
  return { effects, client, server: accepted }
}

export const FORMS: readonly (readonly [form: string, open: OpenPair])[] = [
  ['socket, binary headers', (options) => openSocketPair(options, 'binary')],
  ['socket, JSON headers', (options) => openSocketPair(options, 'json')],
  [
    'same process',
    async (options) => {
      const effects = createManualEffects()
      const { clientHandler: handlerA = silent, serverHandler: handlerB = silent, limits = {} } = options
      const [client, server] = createDirectPeers({ ...effects, handlerA, handlerB, limits })
      return { effects, client, server }
    },
  ],
]
