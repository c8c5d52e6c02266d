// A broker with gigabytes in its folder, started again: after a stop in order, and after SIGKILL while sends went on.
import { connectPeers, sendByPeer } from '../../load/remoting-calls.ts'
import { prepareBroker } from '../../servers/broker-alone.ts'
import type { RestartFigures } from '../figures.ts'
import type { ServerContext } from '../store-bench.ts'

const KIB = 1024
const BODY_BYTES = 16 * KIB
const CONNECTIONS = 8
const DEPTH = 32
const TOPIC = 'bench-restart'

/** `store` is a folder of `retainedBytes` that was closed in order. */
export async function measureRestart(
  store: string,
  retainedBytes: number,
  { bundles, folder, cores, size }: ServerContext,
): Promise<RestartFigures> {
  const broker = await prepareBroker({ bundles, folder, store, cores })
  try {
    // The first start takes the folder over and makes the topic's own files; what a user sees is every later one.
    await (await broker.start()).stop()
    const clean = await broker.start()
    const isKilled = { value: false }
    const sending = sendBytes(broker.address, size.unflushedBytes, isKilled)
    await sending.reached
    isKilled.value = true
    await clean.kill()
    await sending.ended
    const killed = await broker.start()
    await killed.stop()
    return { retainedBytes, cleanMs: clean.readyMs, killedMs: killed.readyMs }
  } finally {
    await broker.stop()
  }
}

/** Sends until `bytes` were acknowledged, and goes on until the broker dies: it must die at work. */
function sendBytes(address: string, bytes: number, isKilled: { readonly value: boolean }) {
  const body = Buffer.alloc(BODY_BYTES, 0x78)
  const reached = Promise.withResolvers<void>()
  let acknowledged = 0

  async function send(): Promise<void> {
    const peers = await connectPeers(address, CONNECTIONS)
    const slots = Array.from({ length: CONNECTIONS * DEPTH }, async (_, slot) => {
      const peer = peers[slot % CONNECTIONS]!
      while (!isKilled.value) {
        if (await sendByPeer(peer, { topic: TOPIC, queueId: -1 }, body)) acknowledged += BODY_BYTES
        if (acknowledged >= bytes) reached.resolve()
      }
    })
    // Those under way when the broker dies fail: that is what was asked for.
    await Promise.allSettled(slots)
    for (const peer of peers) peer.close()
  }

  const ended = send()
  ended.catch((error: unknown) => reached.reject(error))
  return { reached: reached.promise, ended }
}
