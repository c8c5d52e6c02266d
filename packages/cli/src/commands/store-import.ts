// rmq store import: sends what an export holds to a running cluster, in the order of each queue. A folder has one log with
// positions, offsets and a journal of its own: messages of another one come in the way all messages come.
import { decodeProperties, encodeProperties, PropertyName } from '@rocketmq-ts/model'
import { FileError } from '@rocketmq-ts/runtime'
import { sendersSysFlag } from '@rocketmq-ts/store'
import type { Context } from '../context.ts'
import { CliFailure, ExitCode, isMqError } from '../failures.ts'
import { countText } from '../output/text.ts'
import type { Session } from '../session.ts'
import { type ExportedMessage, readExport } from './export-file.ts'
import { PRODUCER_GROUP } from './send.ts'
import { type Queue, queuesFor } from './topic-queues.ts'

/** Messages read ahead and sent together; of one queue one after the other. */
const BATCH_MESSAGES = 64
/** Properties that the broker gives, and the new one gives anew. */
const BROKER_PROPERTIES: ReadonlySet<string> = new Set(['MSG_REGION', 'TRACE_ON', 'CLUSTER', '1ST_POP_TIME'])

export interface StoreImportOptions {
  readonly topic?: string
}

export async function storeImport(context: Context, options: StoreImportOptions, from: string): Promise<number> {
  const { host, printer } = context
  const { files } = await host.effects()
  const path = host.absolutePath(from)
  const file = await files.open(path, 'read').catch((error: unknown) => {
    throw new CliFailure('input', error instanceof Error ? error.message : String(error))
  })
  const session = await context.session()
  const target = createTarget(session)
  let batch: ExportedMessage[] = []
  let sent = 0
  try {
    for await (const message of readExport(file)) {
      if (options.topic !== undefined && message.topic !== options.topic) continue
      batch.push(message)
      if (batch.length < BATCH_MESSAGES) continue
      sent += await target.send(batch)
      batch = []
      if (host.interrupted.aborted) break
    }
    sent += await target.send(batch)
  } catch (error) {
    if (error instanceof FileError)
      throw new CliFailure('input', error.message, 'Look at the path and the disk.', error)
    if (!(error instanceof CliFailure || isMqError(error))) throw error
    const done = sent + target.sentOfBatch
    const remedy =
      'Those that were sent are sent again by another import: delete their topics first, or take them twice.'
    throw new CliFailure(error.code, `after ${countText(done, 'message')}: ${error.message}`, remedy, error)
  } finally {
    await file.close()
  }
  if (printer.isJson) printer.document({ file: path, sent, topics: Object.fromEntries(target.topics) })
  else printer.line(`Sent ${countText(sent, 'message')} of ${countText(target.topics.size, 'topic')}.`)
  return host.interrupted.aborted ? ExitCode.INTERRUPTED : ExitCode.OK
}

function createTarget(session: Session) {
  const queuesOfTopic = new Map<string, { readonly queues: readonly Queue[]; readonly defaultTopic: string }>()
  const topics = new Map<string, number>()
  let sentOfBatch = 0

  async function sendOne(message: ExportedMessage): Promise<void> {
    const { topic } = message
    const known = queuesOfTopic.get(topic) ?? (await queuesFor(session, topic))
    queuesOfTopic.set(topic, known)
    const { broker, queueId } = known.queues[message.queueId % known.queues.length]!
    const header = {
      producerGroup: PRODUCER_GROUP,
      topic,
      defaultTopic: known.defaultTopic,
      defaultTopicQueueNums: known.queues.length,
      queueId,
      sysFlag: sendersSysFlag(message.sysFlag),
      bornTimestampMs: message.bornTimestampMs,
      flag: message.flag,
      properties: sendersProperties(message.properties),
      reconsumeTimes: 0,
      unitMode: false,
      batch: false,
      brokerName: broker.brokerName,
    }
    await session.at(broker, (address) => session.brokers.send(address, header, message.body))
    topics.set(topic, (topics.get(topic) ?? 0) + 1)
    sentOfBatch += 1
  }

  return {
    topics,
    get sentOfBatch() {
      return sentOfBatch
    },
    /** Sends a batch; messages of one queue in their order. */
    async send(batch: readonly ExportedMessage[]): Promise<number> {
      sentOfBatch = 0
      const chains = new Map<string, Promise<void>>()
      for (const message of batch) {
        const queue = `${message.topic} ${message.queueId}`
        const before = chains.get(queue) ?? Promise.resolve()
        chains.set(
          queue,
          before.then(() => sendOne(message)),
        )
      }
      const outcomes = await Promise.allSettled(chains.values())
      for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
      const { length } = batch
      sentOfBatch = 0
      return length
    },
  }
}

/** What the sender gave, without what brokers added. */
function sendersProperties(bytes: Uint8Array): string {
  const all = decodeProperties(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString())
  for (const name of BROKER_PROPERTIES) all.delete(name)
  for (const name of all.keys()) if (name.startsWith('__RMQ') || name.startsWith('INNER_')) all.delete(name)
  all.set(PropertyName.WAIT, 'true')
  return encodeProperties([...all])
}
