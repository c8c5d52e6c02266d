// Whether the consumers of each group have subscribed alike: a message that the filter of one drops is settled, and never
// reaches the other. Invariant: counts exactly the clients of the table that say what they have subscribed to.
import { subscriptionsText } from '@rocketmq-ts/model'
import { type ClientEntry, CLIENT_TOPICS_TOLD_MAX } from '@rocketmq-ts/remoting'

/** Groups that are remembered as told of, at most; beyond it nothing is told until the hour is over. */
export const DIFFERING_GROUPS_MAX = 10_000
const HOUR_MS = 3_600_000
/** Characters of what a client has subscribed to, in a log line. */
const SHOWN_CHARS_MAX = 200

/** Two that differ, each as one of its clients has it. */
export interface Difference {
  readonly group: string
  readonly clientId: string
  readonly subscriptions: string
  readonly otherClientId: string
  readonly otherSubscriptions: string
}

export interface GroupSubscriptions {
  put(entry: ClientEntry): void
  removed(entry: ClientEntry): void
  /** Groups whose clients differ, with how many ways of subscribing they have. */
  differing(): Iterable<readonly [group: string, ways: number]>
}

export interface GroupSubscriptionsDeps {
  readonly clock: { monotonicMs(): number }
  /** Once for each group while it differs, and once an hour at most. */
  readonly onDiffer: (difference: Difference) => void
}

interface Way {
  clients: number
  /** One that has it, or had it. */
  readonly clientId: string
}

/** Undefined for a client that has not said it, or whose topics were too many to be told. */
function wayOf({ group, subscriptions }: ClientEntry): string | undefined {
  if (group === '' || subscriptions.length === 0 || subscriptions.length >= CLIENT_TOPICS_TOLD_MAX) return undefined
  return subscriptionsText(subscriptions)
}

/** Creates it for an empty table. */
export function createGroupSubscriptions({ clock, onDiffer }: GroupSubscriptionsDeps): GroupSubscriptions {
  const groups = new Map<string, Map<string, Way>>()
  const differing = new Set<string>()
  const told = new Set<string>()
  let toldSinceMs = Number.NEGATIVE_INFINITY

  function tell(group: string, ways: ReadonlyMap<string, Way>): void {
    const nowMs = clock.monotonicMs()
    if (nowMs - toldSinceMs >= HOUR_MS) {
      told.clear()
      toldSinceMs = nowMs
    }
    if (told.has(group) || told.size >= DIFFERING_GROUPS_MAX) return
    told.add(group)
    const [first, second] = [...ways].slice(-2)
    if (first === undefined || second === undefined) return
    onDiffer({
      group,
      clientId: first[1].clientId,
      subscriptions: first[0].slice(0, SHOWN_CHARS_MAX),
      otherClientId: second[1].clientId,
      otherSubscriptions: second[0].slice(0, SHOWN_CHARS_MAX),
    })
  }

  return {
    put(entry) {
      const text = wayOf(entry)
      if (text === undefined) return
      const { group, clientId } = entry
      let ways = groups.get(group)
      if (ways === undefined) groups.set(group, (ways = new Map()))
      const way = ways.get(text)
      if (way !== undefined) {
        way.clients += 1
        return
      }
      ways.set(text, { clients: 1, clientId })
      if (ways.size < 2) return
      if (!differing.has(group)) tell(group, ways)
      differing.add(group)
    },
    removed(entry) {
      const text = wayOf(entry)
      const ways = groups.get(entry.group)
      const way = text === undefined ? undefined : ways?.get(text)
      if (ways === undefined || text === undefined || way === undefined) return
      way.clients -= 1
      if (way.clients === 0) ways.delete(text)
      if (ways.size < 2) differing.delete(entry.group)
      if (ways.size === 0) groups.delete(entry.group)
    },
    *differing() {
      for (const group of differing) yield [group, groups.get(group)?.size ?? 0]
    },
  }
}
