// SendMessage: one entry per message, in order, also where some failed. Java: SendMessageActivity (which answers a
// batch with a single entry; clients expect as many as they sent).
import {
  Code,
  Encoding,
  type Message,
  type SendMessageRequest,
  type SendMessageResponseInit,
  type SendResultEntryInit,
  type StatusInit,
  timestampToMs,
} from '@rocketmq-ts/grpc/v2'
import type { Clock } from '@rocketmq-ts/runtime'
import type { OutgoingMessage, Send, SendOutcome } from '../messaging/send.ts'
import { commonStatus, OK, refusal, statusOf } from '../status.ts'
import type { Stored } from '../upstream/upstream.ts'
import { checkMessages, type MessageLimits } from '../validators.ts'
import { pub } from './access.ts'
import type { UnaryRpc } from './method.ts'

export interface SendMessageDeps {
  readonly send: Send
  readonly clock: Clock
  readonly limits: MessageLimits
}

export function createSendMessage(deps: SendMessageDeps): UnaryRpc<SendMessageRequest, SendMessageResponseInit> {
  return {
    access: ({ messages }) => [pub(messages[0]?.topic?.name)],
    async answer({ messages }, { call }) {
      const illegal = checkMessages(messages, deps.limits)
      if (illegal !== undefined) return { status: illegal }
      const topic = messages[0]?.topic?.name ?? ''
      const nowMs = deps.clock.nowMs()
      const outgoing = messages.map((message) => outgoingMessage(message, nowMs, call.remoteAddress.host))
      const outcomes = await deps.send(topic, outgoing)
      const entries = outcomes.map((outcome, index) => entryOf(outcome, outgoing[index]?.messageId ?? ''))
      return { status: commonStatus(entries.map(({ status }) => status)), entries }
    },
    refuse: (status) => ({ status }),
  }
}

// The queue id, the delivery attempt and the digest of the request mean nothing: the proxy chooses the queue, one
// client fills the attempt with noise, and none sends a digest.
function outgoingMessage({ systemProperties: system, userProperties, body }: Message, nowMs: number, host: string) {
  const bornTimestamp = system?.bornTimestamp ?? null
  const bornHost = system?.bornHost ?? ''
  return {
    messageId: system?.messageId ?? '',
    tag: system?.tag ?? '',
    keys: system?.keys ?? [],
    userProperties,
    traceContext: system?.traceContext ?? '',
    bornTimestampMs: bornTimestamp === null ? nowMs : Math.max(timestampToMs(bornTimestamp), 0),
    bornHost: bornHost.trim() === '' ? host : bornHost,
    compressed: system?.bodyEncoding === Encoding.GZIP,
    body,
  } satisfies OutgoingMessage
}

type Entry = SendResultEntryInit & { readonly status: StatusInit }

function entryOf(outcome: SendOutcome, messageId: string): Entry {
  if (outcome.kind === 'failed') return { status: statusOf(outcome.error), messageId }
  const { copies, queueOffset, transactionId } = outcome.stored
  return { status: copyStatus[copies], messageId, transactionId, offset: queueOffset }
}

const copyStatus: Readonly<Record<Stored['copies'], StatusInit>> = {
  kept: OK,
  'flush-timeout': refusal(Code.MASTER_PERSISTENCE_TIMEOUT, 'stored, but not flushed in time'),
  'replica-timeout': refusal(Code.SLAVE_PERSISTENCE_TIMEOUT, 'stored, but not copied to a slave in time'),
  'replica-missing': refusal(Code.HA_NOT_AVAILABLE, 'stored, but no slave is there to take a copy'),
}
