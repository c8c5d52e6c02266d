// Recall handles: which delayed message of which broker. Text as Java's: base64url, padded, of
// `v1 topic brokerName time uniqueKey`. Java: RecallMessageHandle.HandleV1.
import { MqError } from './mq-error.ts'

/** Longest handle accepted, in characters. */
export const RECALL_HANDLE_CHARS_MAX = 2048
const VERSION = 'v1'
/** Java floors due times to its slots, so its handles name the time behind them. */
const BEHIND_DUE_MS = 1

export interface RecallHandle {
  /** As the producer sees it. */
  readonly topic: string
  readonly brokerName: string
  /** When the message is due, wall milliseconds. */
  readonly dueMs: number
  readonly uniqueKey: string
}

/** Java: RecallMessageHandle.HandleV1.buildHandle, AbstractSendMessageProcessor.attachRecallHandle. */
export function formatRecallHandle({ topic, brokerName, dueMs, uniqueKey }: RecallHandle): string {
  const text = `${VERSION} ${topic} ${brokerName} ${dueMs + BEHIND_DUE_MS} ${uniqueKey}`
  return Buffer.from(text).toString('base64').replaceAll('+', '-').replaceAll('/', '_')
}

/** MqError 'handle-malformed' for anything else than a handle; nothing says yet that the message exists. */
export function parseRecallHandle(text: string): RecallHandle {
  if (text.length > RECALL_HANDLE_CHARS_MAX) throw malformed(`${text.length} characters are too many`)
  if (!/^[\w-]+={0,2}$/u.test(text)) throw malformed('it is not base64url')
  const [version, topic = '', brokerName = '', time = '', ...rest] = Buffer.from(text, 'base64url')
    .toString()
    .split(' ')
  if (version !== VERSION || rest.length === 0) throw malformed(`it does not say '${VERSION}' and four parts`)
  // Clients choose it, also with blanks.
  const uniqueKey = rest.join(' ')
  const behindMs = Number(time)
  if (!/^\d{1,15}$/u.test(time) || behindMs < BEHIND_DUE_MS) throw malformed('its time is no number')
  if (topic === '' || brokerName === '' || uniqueKey === '') throw malformed('a part is empty')
  return { topic, brokerName, dueMs: behindMs - BEHIND_DUE_MS, uniqueKey }
}

function malformed(problem: string): MqError {
  return new MqError('handle-malformed', `recall handle: ${problem}; send what the answer to the send named`)
}
