// Settings of consumer groups, remembered for a while so that no client waits for a broker that is slow or gone.
import type { Clock } from '@rocketmq-ts/runtime'
import type { GroupLookup, GroupSettings } from '../upstream/upstream.ts'
import { DEFAULT_GROUP } from './retry-delays.ts'

/** From this age on settings are fetched anew while they are still served, … */
const FRESH_MS = 20_000
/** … from this age on, which those of a group in use do not reach, they are waited for. */
const OLD_MS = 60_000
/** Pause after a fetch that failed. */
const RETRY_MS = 1000
const GROUPS_MAX = 10_000

export interface Groups {
  /** Settings as the topic's brokers have them; the defaults where they can not be had. Never rejects. */
  settings(group: string, topic: string): Promise<GroupSettings>
  /** What is remembered of the group, if anything, may be wrong. */
  changed(group: string): void
}

export interface GroupsDeps {
  readonly lookup: GroupLookup
  readonly clock: Clock
  /** Somebody was told other settings than the group has now. */
  readonly onChanged: (group: string) => void
  readonly onLookupFailed: (group: string, error: unknown) => void
}

interface Remembered {
  settings: GroupSettings
  /** Of the last question. */
  topic: string
  /** Somebody was told them. */
  isTold: boolean
  fetchedAtMs: number
  nextFetchAtMs: number
  fetching: Promise<GroupSettings> | undefined
}

/** Least recently fetched groups are forgotten first. */
export function createGroups({ lookup, clock, onChanged, onLookupFailed }: GroupsDeps): Groups {
  const remembered = new Map<string, Remembered>()

  /** One at a time; where it fails, what was known stays. */
  function fetch(group: string, entry: Remembered): Promise<GroupSettings> {
    entry.fetching ??= lookup
      .groupSettings(group, entry.topic)
      .then(
        (found) => {
          const settings = found ?? DEFAULT_GROUP
          const isNews = entry.isTold && !isSame(settings, entry.settings)
          entry.settings = settings
          entry.fetchedAtMs = clock.monotonicMs()
          entry.nextFetchAtMs = entry.fetchedAtMs + FRESH_MS
          // One that was forgotten meanwhile stays so: otherwise slow answers would bring any number of them back.
          if (remembered.get(group) !== entry) return
          remembered.delete(group)
          remembered.set(group, entry)
          if (isNews) onChanged(group)
        },
        (error: unknown) => {
          entry.nextFetchAtMs = clock.monotonicMs() + RETRY_MS
          onLookupFailed(group, error)
        },
      )
      .then(() => {
        entry.fetching = undefined
        return entry.settings
      })
    return entry.fetching
  }

  function add(group: string, topic: string): Remembered {
    const entry = {
      settings: DEFAULT_GROUP,
      topic,
      isTold: false,
      fetchedAtMs: -Infinity,
      nextFetchAtMs: -Infinity,
      fetching: undefined,
    }
    if (remembered.size >= GROUPS_MAX) for (const oldest of remembered.keys()) if (remembered.delete(oldest)) break
    remembered.set(group, entry)
    return entry
  }

  async function current(group: string, entry: Remembered): Promise<GroupSettings> {
    const nowMs = clock.monotonicMs()
    const isDue = nowMs >= entry.nextFetchAtMs
    const isFirst = entry.fetchedAtMs === -Infinity && entry.fetching !== undefined
    if (isFirst || (isDue && nowMs - entry.fetchedAtMs >= OLD_MS)) return fetch(group, entry)
    if (isDue) void fetch(group, entry)
    return entry.settings
  }

  return {
    async settings(group, topic) {
      const entry = remembered.get(group) ?? add(group, topic)
      entry.topic = topic
      const settings = await current(group, entry)
      entry.isTold = true
      return settings
    },
    changed(group) {
      const entry = remembered.get(group)
      // An answer that is on its way may be the old one.
      if (entry !== undefined) void Promise.resolve(entry.fetching).then(() => fetch(group, entry))
    },
  }
}

function isSame(left: GroupSettings, right: GroupSettings): boolean {
  return JSON.stringify(left) === JSON.stringify(right)
}
