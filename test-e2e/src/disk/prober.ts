// Single requests whose answer and time are looked at: a send over gRPC and one over remoting, and what a broker says of
// itself. What was answered OK is in the history, as every other message.
import { exchange, remotingFrame } from '../bad-input/remoting-wire.ts'
import type { History } from '../kill/history.ts'
import { TOPIC } from '../kill/load.ts'
import type { Bodies } from '../kill/bodies.ts'
import { createRawClient } from '../raw-client.ts'

const SEND_MESSAGE_V2 = 310
const SUCCESS = 0
const ANSWER_MS_MAX = 12_000

export interface Answer {
  readonly over: 'gRPC' | 'remoting'
  /** OK, or a code of gRPC's statuses by name, or a response code of remoting by number. */
  readonly code: string
  readonly text: string
  readonly ms: number
}

export interface Prober {
  /** One message each; `kind` begins their names, of which the size follows. */
  send(kind?: string): Promise<readonly [grpc: Answer, remoting: Answer]>
  /** Status of a path of the health port, and how long that took. */
  health(path: '/livez' | '/readyz'): Promise<{ readonly status: number; readonly text: string; readonly ms: number }>
  close(): void
}

export function createProber(options: {
  readonly proxy: string
  readonly brokerPort: number
  readonly healthUrl: string
  readonly bodies: Bodies
  readonly history: History
}): Prober {
  const { proxy, brokerPort, healthUrl, bodies, history } = options
  const client = createRawClient(proxy, 'disk-prober')
  let count = 0

  async function probe(over: Answer['over'], kind: string, send: (id: string) => Promise<Outcome>): Promise<Answer> {
    const id = `${kind}-${over}-${(count += 1)}`
    const attempt = history.begin(id)
    const beganMs = performance.now()
    const { offset, code, text } = await send(id)
    if (offset === undefined) history.fail(attempt, 'unknown')
    else history.acknowledge(attempt, offset)
    return { over, code, text, ms: performance.now() - beganMs }
  }

  async function sendGrpc(id: string): Promise<Outcome> {
    try {
      return { code: 'OK', text: '', offset: await client.send(TOPIC, id, bodies.of(id)) }
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error)
      const colon = message.indexOf(':')
      return { code: message.slice(0, colon), text: message.slice(colon + 2), offset: undefined }
    }
  }

  async function sendRemoting(id: string): Promise<Outcome> {
    const fields = {
      a: 'disk-prober',
      b: TOPIC,
      c: 'TBW102',
      d: '4',
      e: '0',
      f: '0',
      g: String(Date.now()),
      h: '0',
      i: `UNIQ_KEY\u0001${id}\u0002`,
    }
    const frame = remotingFrame({ code: SEND_MESSAGE_V2, fields, body: bodies.of(id) })
    const outcome = await exchange(brokerPort, [frame], { waitMs: ANSWER_MS_MAX }).catch(String)
    if (typeof outcome === 'string') return { code: 'no connection', text: outcome, offset: undefined }
    if (outcome.kind !== 'answered') return { code: outcome.kind, text: '', offset: undefined }
    const { code, remark, fields: answered } = outcome.reply
    if (code !== SUCCESS) return { code: String(code), text: remark, offset: undefined }
    return { code: 'OK', text: '', offset: Number(answered['queueOffset']) }
  }

  return {
    send: (kind = 'probe') => Promise.all([probe('gRPC', kind, sendGrpc), probe('remoting', kind, sendRemoting)]),
    async health(path) {
      const beganMs = performance.now()
      const answer = await fetch(`${healthUrl}${path}`)
      const text = await answer.text()
      return { status: answer.status, text, ms: performance.now() - beganMs }
    },
    close: () => client.close(),
  }
}

interface Outcome {
  readonly code: string
  readonly text: string
  readonly offset: number | undefined
}
