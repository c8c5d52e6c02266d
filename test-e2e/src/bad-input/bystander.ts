// Another client, which does nothing wrong, and what the server uses while others do: both must stay as they were.
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Ports } from '../free-ports.ts'
import { createRawClient } from '../raw-client.ts'
import { exchange, remotingFrame } from './remoting-wire.ts'

const TOPIC = 'bystander'
const GROUP = 'bystander-readers'
const ROUNDS = 15
const WARM_UP_ROUNDS = 30
/** A busy machine makes everybody slower; a client that is affected waits for seconds. */
const SLOWER_MAX = 8
const UNAFFECTED_MS_MIN = 150
const GET_ROUTE = 105
const RUNTIME_INFO = 28
const MIB = 1024 * 1024

export interface Bystander {
  /** Sends, receives and acknowledges a few times, and asks both remoting ports. Throws unless all took its usual time. */
  expectUnaffected(): Promise<string>
  close(): void
}

/** Learns the usual time of its client first. */
export async function createBystander(ports: Ports): Promise<Bystander> {
  const client = createRawClient(`127.0.0.1:${ports.grpc}`, 'bystander@1@0@0')
  await client.queryRoute(TOPIC)
  let sent = 0

  async function round(): Promise<number> {
    const startedMs = performance.now()
    const id = `bystander-${(sent += 1)}`
    await client.send(TOPIC, id, Buffer.from(id))
    const messages = await client.receive({
      topic: TOPIC,
      group: GROUP,
      batchSize: 32,
      invisibleMs: 30_000,
      pollMs: 5_000,
    })
    if (messages.length !== 1 || messages[0]?.messageId !== id) {
      throw new Error(`sent ${id}, received ${messages.map(({ messageId }) => messageId).join(', ') || 'nothing'}`)
    }
    const codes = await client.ack(TOPIC, GROUP, messages)
    if (codes.some((code) => code !== 'OK')) throw new Error(`acknowledging ${id}: ${codes.join(', ')}`)
    await expectAnswer(ports.nameserver, GET_ROUTE, { topic: TOPIC })
    await expectAnswer(ports.broker, RUNTIME_INFO, {})
    return performance.now() - startedMs
  }

  async function medianMs(rounds: number): Promise<number> {
    const times: number[] = []
    for (let at = 0; at < rounds; at += 1) times.push(await round())
    return times.toSorted((one, other) => one - other)[Math.floor(times.length / 2)] ?? Infinity
  }

  await medianMs(WARM_UP_ROUNDS)
  const usualMs = await medianMs(ROUNDS)
  const limitMs = Math.max(UNAFFECTED_MS_MIN, SLOWER_MAX * usualMs)
  return {
    async expectUnaffected() {
      const nowMs = await medianMs(ROUNDS)
      if (nowMs > limitMs) throw new Error(`took ${nowMs.toFixed(1)} ms, usually ${usualMs.toFixed(1)} ms`)
      return `${nowMs.toFixed(1)} ms, usually ${usualMs.toFixed(1)} ms`
    },
    close: () => client.close(),
  }
}

async function expectAnswer(port: number, code: number, fields: Record<string, string>): Promise<void> {
  const outcome = await exchange(port, [remotingFrame({ code, fields })])
  if (outcome.kind !== 'answered') throw new Error(`request ${code} was ${outcome.kind}`)
  if (outcome.reply.code !== 0) throw new Error(`request ${code}: ${outcome.reply.code} ${outcome.reply.remark}`)
}

/** What a process uses, by /proc; undefined where there is none. */
export interface Usage {
  readonly rssBytes: number
  readonly sockets: number
}

export function usageOf(pid: number): Usage | undefined {
  try {
    const [, pages = '0'] = readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')
    const sockets = readdirSync(`/proc/${pid}/fd`).filter((fd) => isSocket(`/proc/${pid}/fd/${fd}`))
    return { rssBytes: Number(pages) * 4096, sockets: sockets.length }
  } catch {
    return undefined
  }
}

function isSocket(link: string): boolean {
  try {
    return readlinkSync(link).startsWith('socket:')
  } catch {
    return false // closed meanwhile
  }
}

/** Throws unless memory and connections come back to the bounds in time. */
export async function expectBounded(pid: number, bounds: Usage, withinMs: number): Promise<string> {
  const deadlineMs = performance.now() + withinMs
  for (;;) {
    const usage = usageOf(pid)
    if (usage === undefined) throw new Error('the server is gone')
    const rss = `${Math.round(usage.rssBytes / MIB)} of ${Math.round(bounds.rssBytes / MIB)} MiB`
    const text = `${rss}, ${usage.sockets} of ${bounds.sockets} connections`
    if (usage.rssBytes <= bounds.rssBytes && usage.sockets <= bounds.sockets) return text
    if (performance.now() > deadlineMs) throw new Error(text)
    await sleep(100)
  }
}
