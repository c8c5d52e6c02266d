// Apache's broker left these folders. Ours answers every question as that one did, delivers what its consumers had not
// acknowledged, and nothing of what they had.
import { createHash } from 'node:crypto'
import { expect, test } from '@jest/globals'
import { type MessageRecord, decodeRecord } from '@rocketmq-ts/model'
import {
  GetEarliestMessageStoreTime,
  GetMaxOffset,
  GetMinOffset,
  QueryConsumerOffset,
  QueryMessage,
  ResponseCode,
  SearchOffsetByTimestamp,
  ViewMessageById,
} from '@rocketmq-ts/remoting'
import { silentLogger } from '@rocketmq-ts/runtime'
import { checkStore, repairStore } from '@rocketmq-ts/store'
import { brokerCheckOwner } from '../../src/check/check-owner.ts'
import { type BrokerHarness, startBroker } from '../broker-harness.ts'
import { type Expected, type Question, readExpected, unpackFolder } from './golden-folder.ts'

const FOLDERS = ['clean-stop', 'killed', 'popped']
/** Of the folder "popped": what is not acknowledged comes again after it. */
const SHORT_INVISIBLE_MS = 20_000
const LONG_INVISIBLE_MS = 600_000
const AGES_MS = 12 * 3_600_000
const KEY_MESSAGES_MAX = 64

type Way = 'as it is' | 'repaired'

/** Our broker, on a machine where Apache's had run: in its folder, or in what a repair makes of that. */
async function onGolden(name: string, way: Way): Promise<{ broker: BrokerHarness; expected: Expected }> {
  const expected = readExpected(name)
  const broker = await startBroker(expected.settings)
  await broker.stop()
  const { effects } = broker.machine.start('apache', () => undefined)
  const { files } = effects
  await broker.settled(files.remove('/store'))
  const folder = way === 'repaired' ? '/apache' : '/store'
  await broker.settled(unpackFolder(name, files, folder))
  if (way === 'repaired') {
    const options = { from: folder, to: '/store', owner: brokerCheckOwner }
    await broker.settled(repairStore(options, { ...effects, logger: silentLogger }))
    const { findings } = await broker.settled(checkStore({ folder: '/store', owner: brokerCheckOwner }, { files }))
    expect(findings.filter(({ severity }) => severity !== 'note')).toStrictEqual([])
  }
  await broker.restart()
  return { broker, expected }
}

/** Where each message is, and its bytes as a hash. */
function describe(body: Uint8Array): string[] {
  const texts: string[] = []
  const bytes = Buffer.from(body)
  for (let at = 0; at < bytes.length;) {
    const record = bytes.subarray(at, at + bytes.readInt32BE(at))
    const { queueId, queueOffset, commitLogOffset } = decodeRecord(record)
    const hash = createHash('sha256').update(record).digest('hex').slice(0, 16)
    texts.push(`${queueId}/${queueOffset} at ${commitLogOffset} ${hash}`)
    at += record.length
  }
  return texts.toSorted()
}

async function answerOf(broker: BrokerHarness, question: Question): Promise<string> {
  const { kind, topic } = question
  switch (kind) {
    case 'max':
      return String((await broker.ask(GetMaxOffset, { topic, queueId: question.queueId })).header?.queueOffset)
    case 'min':
      return String((await broker.ask(GetMinOffset, { topic, queueId: question.queueId })).header?.queueOffset)
    case 'earliest': {
      const { header } = await broker.ask(GetEarliestMessageStoreTime, { topic, queueId: question.queueId })
      return String(header?.timestampMs)
    }
    case 'time': {
      const { queueId, atMs: timestampMs, boundary: boundaryType } = question
      const { header } = await broker.ask(SearchOffsetByTimestamp, { topic, queueId, timestampMs, boundaryType })
      return String(header?.queueOffset)
    }
    case 'key': {
      const { key, isUnique: isUniqueKey, beginMs: beginTimestampMs, endMs: endTimestampMs } = question
      const window = { maxNum: KEY_MESSAGES_MAX, beginTimestampMs, endTimestampMs }
      const { body } = await broker.ask(QueryMessage, { topic, key, ...window, isUniqueKey })
      return describe(body ?? Buffer.alloc(0)).join(', ')
    }
    case 'view': {
      const { body } = await broker.ask(ViewMessageById, { topic, commitLogOffset: question.commitLogOffset })
      return describe(body ?? Buffer.alloc(0)).join(', ')
    }
    case 'offset': {
      const { group: consumerGroup, queueId } = question
      const { code, header } = await broker.ask(QueryConsumerOffset, { consumerGroup, topic, queueId })
      return code === ResponseCode.QUERY_NOT_FOUND ? 'undefined' : String(header?.queueOffset)
    }
  }
}

const CASES = FOLDERS.flatMap((name) => (['as it is', 'repaired'] as const).map((way) => ({ name, way })))

for (const { name, way } of CASES) {
  test(`golden ${name}, ${way}: every question → what Apache's broker answered`, async () => {
    const { broker, expected } = await onGolden(name, way)
    expect(broker.events.filter(({ event }) => event.endsWith('rejected') || event === 'store.damaged')).toStrictEqual(
      [],
    )
    const answers: object[] = []
    for (const question of expected.questions) {
      answers.push({ ...question, answer: await answerOf(broker, question) })
    }
    expect(answers).toStrictEqual(expected.questions)
  })

  test(`golden ${name}, ${way}: consumers go on → what they had not acknowledged comes in its time, nothing else does`, async () => {
    const { broker, expected } = await onGolden(name, way)
    await broker.advance(SHORT_INVISIBLE_MS)
    for (const { topic, group, acked, out } of expected.deliveries) {
      const numbers = expected.messages.flatMap(([of], number) => (of === topic ? [number] : []))
      const left = numbers.filter((number) => !acked.includes(number) && !out.includes(number))
      expect(await popAll(broker, topic, group)).toStrictEqual(left)
    }
    await broker.advance(LONG_INVISIBLE_MS)
    for (const { topic, group, out } of expected.deliveries) {
      expect(await popAll(broker, topic, group)).toStrictEqual(out.toSorted(byValue))
    }
  })
}

/** Numbers of all messages that come now. */
async function popAll(broker: BrokerHarness, topic: string, group: string): Promise<number[]> {
  const numbers: number[] = []
  for (;;) {
    const popped = await broker.pop(topic, group, { invisibleMs: AGES_MS })
    if (popped.length === 0) return numbers.toSorted(byValue)
    numbers.push(...popped.map(({ record }) => numberOf(record)))
  }
}

function numberOf({ body }: MessageRecord): number {
  return Number.parseInt(Buffer.from(body).toString('latin1'), 10)
}

const byValue = (left: number, right: number): number => left - right
