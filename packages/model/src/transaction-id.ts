// The id of a transaction as clients of a proxy hold it: where its half message lies. So any proxy can end it, also one
// that has started since.
//
//   1 . queue offset . commit log offset . name of the broker       numbers in base 36
import { type CommitLogOffset, type QueueOffset, commitLogOffset, queueOffset } from './ids.ts'
import { MqError } from './mq-error.ts'

const VERSION = '1'
const RADIX = 36
/** A safe integer has 11 digits at most. */
const NUMBER = /^[0-9a-z]{1,11}$/
const BROKER_NAME_CHARS_MAX = 255

/** Where a half message lies. */
export interface TransactionPlace {
  readonly brokerName: string
  /** In the queue of half messages. */
  readonly queueOffset: QueueOffset
  readonly commitLogOffset: CommitLogOffset
}

export function formatTransactionId({
  brokerName,
  queueOffset: offset,
  commitLogOffset: at,
}: TransactionPlace): string {
  return `${VERSION}.${offset.toString(RADIX)}.${at.toString(RADIX)}.${brokerName}`
}

function parseNumber(text: string | undefined): number {
  const number = text !== undefined && NUMBER.test(text) ? Number.parseInt(text, RADIX) : Number.NaN
  if (Number.isSafeInteger(number)) return number
  throw new MqError('handle-malformed', 'transaction id: is none that a proxy has given out')
}

/** Throws MqError 'handle-malformed'. */
export function parseTransactionId(text: string): TransactionPlace {
  const [version, offset, at, ...name] = text.split('.')
  const place = { queueOffset: queueOffset(parseNumber(offset)), commitLogOffset: commitLogOffset(parseNumber(at)) }
  const brokerName = name.join('.')
  const isNamed = brokerName !== '' && brokerName.length <= BROKER_NAME_CHARS_MAX
  if (version !== VERSION || !isNamed) {
    throw new MqError('handle-malformed', 'transaction id: is none that a proxy of this version has given out')
  }
  return { ...place, brokerName }
}
