// A broker without topics takes over those of its cluster, and the groups: once before nameservers hear of it, and again
// until nothing can have been missed. Nobody waits for a broker that joins, so brokers that start together do not either.
import type { ClusterInfo, SubscriptionGroupConfig, TopicConfig } from '@rocketmq-ts/model'
import type { Clock, Logger, Scheduler } from '@rocketmq-ts/runtime'
import type { BrokerEvent } from '../events.ts'
import type { ClusterPeers, PeerSettings } from './cluster-peers.ts'
import type { JoinMark } from './join-mark.ts'
import { mergeSettings, type Peer, type PeerAnswer, peersOf } from './merge-settings.ts'

/** A start waits no longer than this for peers, … */
export const JOIN_WAIT_MS = 5000
/** … asks again after this where nobody answered, … */
const JOIN_AGAIN_MS = 500
/** … and, once one has answered, gives the others this long. */
const JOIN_OTHERS_MS = 1000
/** One round behind the start. */
const ROUND_WAIT_MS = 10_000
/**
 * Between rounds behind the start. A round so long after the registration sees all that was created by somebody who did
 * not know of this broker yet.
 */
export const ROUND_PERIOD_MS = 10_000
/** Rounds in which some peer does not answer; nameservers forget a dead one after two minutes. */
export const ROUNDS_MAX = 30

/** Settings that one Turn of the broker adds. */
export const SETTINGS_PER_TURN = 256

/** One topic or group to take over. */
export type Setting =
  | { readonly kind: 'topic'; readonly config: TopicConfig }
  | { readonly kind: 'group'; readonly config: SubscriptionGroupConfig }

/** What became of settings that were taken over. */
export interface Applied {
  readonly added: number
  /** Name and reason of each that can not be taken, now or ever. */
  readonly refused: readonly string[]
}

export interface JoinClusterDeps {
  readonly clusterName: string
  readonly brokerName: string
  readonly peers: ClusterPeers
  readonly mark: JoinMark
  /** No topic of a user is here. */
  readonly isEmpty: () => boolean
  /** Adds what is not here yet; resolves when it is as durable as a send. Rejects when it can not be kept. */
  readonly apply: (settings: readonly Setting[]) => Promise<Applied>
  /** Resolves when all that was applied survives a power loss. */
  readonly whenDurable: () => Promise<void>
  readonly clock: Clock
  readonly scheduler: Scheduler
  readonly logger: Logger<BrokerEvent>
}

export interface JoinCluster {
  /** Before the registration. Resolves when the settings are here, nobody is there, or it took too long. */
  begin(): Promise<void>
  /** After the registration: goes on in the background. */
  follow(): void
  stop(): void
}

interface Round {
  /** Whether all who are there answered, some, or none: nothing could be taken over, or be kept. */
  readonly kind: 'whole' | 'part' | 'none'
  readonly peers: number
  readonly answered: number
  /** Why it is not whole. */
  readonly reason: string
}

/** Creates the join of one start. */
export function createJoinCluster(deps: JoinClusterDeps): JoinCluster {
  const { peers, mark, clock, scheduler, logger } = deps
  /** What ends each wait early. */
  const waits = new Set<() => void>()
  /** Taken over by this start: what was deleted since does not come back. */
  const seen = new Set<string>()
  let joining = false
  let stopped = false

  /** Calls back after the time, or at the stop; the result takes it back. */
  function limit(ms: number, late: () => void): () => void {
    const cancel = (): void => {
      timer.cancel()
      waits.delete(end)
    }
    const end = (): void => {
      cancel()
      late()
    }
    const timer = scheduler.after(stopped ? 0 : ms, end)
    waits.add(end)
    return cancel
  }

  function pause(ms: number): Promise<void> {
    return new Promise((resolve) => void limit(ms, resolve))
  }

  /** Undefined when it took too long. */
  async function within<Value>(ms: number, promise: Promise<Value>): Promise<Value | undefined> {
    let cancel = (): void => undefined
    const late = new Promise<undefined>((resolve) => (cancel = limit(ms, () => resolve(undefined))))
    return Promise.race([promise, late]).finally(cancel)
  }

  /** Asks all at once; those that answer in time, and why others do not. */
  async function ask(all: readonly Peer[], waitMs: number): Promise<{ answers: PeerAnswer[]; reason: string }> {
    const answers: PeerAnswer[] = []
    const failures: string[] = []
    let first = (): void => undefined
    const answered = new Promise<void>((resolve) => (first = resolve))
    const settled = all.map(async ({ brokerName, address }) => {
      try {
        answers.push({ brokerName, ...(await peers.settings(address)) })
        first()
      } catch (error) {
        failures.push(`${brokerName}: ${reasonOf(error)}`)
      }
    })
    await within(waitMs, Promise.race([Promise.all(settled), answered.then(() => pause(JOIN_OTHERS_MS))]))
    const silent = all.length - answers.length - failures.length
    if (silent > 0) failures.push(`${silent} of ${all.length} brokers do not answer in time`)
    return { answers: [...answers], reason: failures[0] ?? '' }
  }

  async function round(waitMs: number): Promise<Round> {
    const untilMs = clock.monotonicMs() + waitMs
    let info: ClusterInfo | undefined
    try {
      info = await within(waitMs, peers.clusterInfo())
    } catch (error) {
      return { kind: 'none', peers: 0, answered: 0, reason: reasonOf(error) }
    }
    if (info === undefined) return { kind: 'none', peers: 0, answered: 0, reason: 'no nameserver answers in time' }
    const all = peersOf(info, deps.clusterName, deps.brokerName)
    if (all.length === 0) return { kind: 'whole', peers: 0, answered: 0, reason: '' }
    const { answers, reason } = await ask(all, Math.max(0, untilMs - clock.monotonicMs()))
    const counts = { peers: all.length, answered: answers.length }
    if (answers.length === 0) return { kind: 'none', ...counts, reason }
    try {
      await take(mergeSettings(answers, info), answers.length)
    } catch (error) {
      return { kind: 'none', ...counts, reason: reasonOf(error) }
    }
    return { kind: answers.length === all.length ? 'whole' : 'part', ...counts, reason }
  }

  /** Adds what no earlier round has added. Rejects where the broker can not keep it. */
  async function take({ topics, groups }: PeerSettings, answered: number): Promise<void> {
    const all: Setting[] = [
      ...groups.map((config): Setting => ({ kind: 'group', config })),
      ...topics.map((config): Setting => ({ kind: 'topic', config })),
    ]
    const left = all.filter((setting) => !seen.has(nameOf(setting)))
    if (left.length === 0) return
    const refused: string[] = []
    let added = 0
    for (let at = 0; at < left.length && !stopped; at += SETTINGS_PER_TURN) {
      const batch = left.slice(at, at + SETTINGS_PER_TURN)
      const applied = await deps.apply(batch)
      for (const setting of batch) seen.add(nameOf(setting))
      added += applied.added
      refused.push(...applied.refused)
    }
    if (added > 0) logger.info({ event: 'cluster.settings-taken', peers: answered, added })
    if (refused.length === 0) return
    logger.warn({ event: 'cluster.settings-refused', count: refused.length, first: refused[0] ?? '' })
  }

  async function followRounds(): Promise<void> {
    let last: Round | undefined
    for (let count = 0; count < ROUNDS_MAX && !stopped; count += 1) {
      if (count > 0) await pause(ROUND_PERIOD_MS)
      if (stopped) return
      last = await round(ROUND_WAIT_MS)
      if (last.kind === 'whole' && count > 0) return finish(last.peers)
    }
    if (stopped) return
    logger.warn({
      event: 'cluster.join-incomplete',
      peers: last?.peers ?? 0,
      answered: last?.answered ?? 0,
      reason: last?.reason ?? '',
      remedy: 'start it again when those brokers answer, or create what is missing here with rmq topic create',
    })
  }

  async function finish(peerCount: number): Promise<void> {
    await deps.whenDurable()
    if (stopped) return
    await mark.clear()
    logger.info({ event: 'cluster.joined', peers: peerCount })
  }

  return {
    async begin() {
      const untilMs = clock.monotonicMs() + JOIN_WAIT_MS
      if (!(await mark.isSet())) {
        if (!deps.isEmpty()) return
        await mark.set()
      }
      joining = true
      for (;;) {
        const leftMs = untilMs - clock.monotonicMs()
        const { kind, peers: peerCount, reason } = await round(Math.max(leftMs, 0))
        if (kind !== 'none' || stopped) return
        if (clock.monotonicMs() + JOIN_AGAIN_MS >= untilMs) {
          logger.warn({
            event: 'cluster.join-late',
            peers: peerCount,
            reason,
            remedy:
              'it starts without topics and goes on asking; see that nameservers and brokers can be reached from here',
          })
          return
        }
        await pause(JOIN_AGAIN_MS)
      }
    },
    follow() {
      if (!joining || stopped) return
      followRounds().catch((error: unknown) => {
        if (!stopped) logger.warn({ event: 'cluster.join-unfinished', message: reasonOf(error) })
      })
    },
    stop() {
      stopped = true
      for (const end of Array.from(waits)) end()
    },
  }
}

/** As messages and this file call it. */
export function nameOf(setting: Setting): string {
  return setting.kind === 'topic' ? `topic ${setting.config.topicName}` : `group ${setting.config.groupName}`
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
