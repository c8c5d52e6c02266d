// One receive of a raw consumer, with everything that the history must know of it.
import type { RawClient, RawMessage } from '../raw-client.ts'
import type { Delivery, History } from './history.ts'

export interface RawConsumer {
  readonly client: RawClient
  readonly topic: string
  readonly group: string
  readonly brokerName: string
  readonly batchSize: number
  readonly invisibleMs: number
  readonly pollMs: number
  readonly history: History
  /** True where this delivery is to be acknowledged. */
  readonly isToBeAcked: (delivery: Delivery) => boolean
}

/** Receives once and acknowledges what it is to; resolves with the codes of the acknowledgements. */
export async function receiveRaw(consumer: RawConsumer): Promise<{ received: number; codes: readonly string[] }> {
  const { client, topic, group, brokerName, batchSize, invisibleMs, pollMs, history, isToBeAcked } = consumer
  const askedMs = performance.now()
  const found = await client.receive({ topic, group, brokerName, batchSize, invisibleMs, pollMs })
  const acking: { message: RawMessage; delivery: Delivery }[] = []
  for (const message of found) {
    const { body, queueId, queueOffset: offset, receiptHandle } = message
    const seen = { body, offset, queueId, brokerName: queueOf(receiptHandle).brokerName }
    const delivery = history.deliver(group, askedMs, invisibleMs, seen)
    if (delivery !== undefined && isToBeAcked(delivery)) acking.push({ message, delivery })
  }
  if (acking.length === 0) return { received: found.length, codes: [] }
  for (const { delivery } of acking) delivery.ack = 'unknown'
  const messages = acking.map(({ message }) => message)
  const codes = await client.ack(topic, group, messages)
  for (const [index, { delivery }] of acking.entries()) history.noteAck(delivery, codes[index])
  return { received: found.length, codes }
}

/** The words of a receipt handle, where alone an SDK tells of the queue. Java: ReceiptHandle.encode. */
export function queueOf(receiptHandle: string): { brokerName: string; queueId: number } {
  const [, , , , , brokerName = '', queueId] = receiptHandle.split(' ')
  return { brokerName, queueId: Number(queueId) }
}
