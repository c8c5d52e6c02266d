// Handles that were good once, and batches larger than any: what a real delivery shows.
import { createRawClient, type RawMessage } from '../raw-client.ts'
import { expectThat } from '../steps.ts'
import { decodeReply, encodeRequest, frameOf, openGrpc, pathOf } from './grpc-wire.ts'

const TOPIC = 'deliveries'
const GROUP = 'deliveries-readers'
const INVISIBLE_MS = 30_000
const BATCH_MAX = 32

interface Answer {
  readonly status: { readonly code: string; readonly message: string }
  readonly receipt_handle: string
}

/** Stale handles settle nothing: the message comes again, until the handle of its last delivery is acknowledged. */
export async function staleHandles(port: number): Promise<string> {
  const client = createRawClient(`127.0.0.1:${port}`, 'deliveries@1@0@0')
  const connection = openGrpc(port)
  const receive = async (pollMs: number): Promise<RawMessage | undefined> => {
    const options = { topic: TOPIC, group: GROUP, batchSize: 1, invisibleMs: INVISIBLE_MS, pollMs }
    return (await client.receive(options))[0]
  }
  const release = async (receipt_handle: string): Promise<Answer> => {
    const request = { topic: { name: TOPIC }, group: { name: GROUP }, receipt_handle, invisible_duration: {} }
    const method = 'ChangeInvisibleDuration'
    const reply = await connection.call({ path: pathOf(method), data: frameOf(encodeRequest(method, request)) })
    const [message] = reply.messages
    if (message === undefined) throw new Error(`${method} was not answered: ${reply.grpcMessage}`)
    return decodeReply<Answer>(method, message)
  }
  const again = async (attempt: number): Promise<RawMessage> => {
    const message = await receive(5_000)
    expectThat(message?.deliveryAttempt === attempt, `attempt ${attempt} expected, not ${message?.deliveryAttempt}`)
    return message
  }
  try {
    await client.queryRoute(TOPIC)
    await client.send(TOPIC, 'stale', Buffer.from('stale'))
    const first = await again(1)
    expectThat((await release(first.receiptHandle)).status.code === 'OK', 'a live handle releases')
    const second = await again(2)
    const stale = [await client.ack(TOPIC, GROUP, [first]), [(await release(first.receiptHandle)).status.code]].flat()
    expectThat(
      stale.every((code) => code === 'OK' || code === 'INVALID_RECEIPT_HANDLE'),
      `stale handles were answered ${stale.join(', ')}`,
    )
    expectThat((await receive(200)) === undefined, 'a stale handle released the second delivery')
    expectThat((await release(second.receiptHandle)).status.code === 'OK', 'the live handle was settled by a stale one')
    const third = await again(3)
    const acks = [await client.ack(TOPIC, GROUP, [third]), await client.ack(TOPIC, GROUP, [third])].flat()
    expectThat(
      acks.every((code) => code === 'OK'),
      `acknowledged twice: ${acks.join(', ')}`,
    )
    expectThat((await receive(200)) === undefined, 'an acknowledged message came again')
    return `stale handles: ${stale.join(', ')}`
  } finally {
    client.close()
    connection.close()
  }
}

/** However many are asked for. */
export async function largeBatch(port: number): Promise<string> {
  const client = createRawClient(`127.0.0.1:${port}`, 'deliveries@1@0@1')
  const topic = `${TOPIC}-batch`
  try {
    await client.queryRoute(topic)
    for (let at = 0; at < 3 * BATCH_MAX; at += 1) await client.send(topic, `batch-${at}`, Buffer.from('batch'))
    const options = { topic, group: GROUP, batchSize: 2_147_483_647, invisibleMs: INVISIBLE_MS, pollMs: 5_000 }
    const { length } = await client.receive(options)
    expectThat(length > 0 && length <= BATCH_MAX, `${length} messages came at once`)
    return `${length} of at most ${BATCH_MAX}`
  } finally {
    client.close()
  }
}
