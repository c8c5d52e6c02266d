// Settings of consumer groups, remembered for a while so that no client waits for a broker that is slow or gone.
import type { Clock } from '@rocketmq-ts/runtime'
import type { GroupLookup, GroupSettings } from '../upstream/upstream.ts'
import { DEFAULT_GROUP } from './retry-delays.ts'

const FRESH_MS = 20_000
const GROUPS_MAX = 10_000

export interface Groups {
  /** Settings as the topic's brokers have them; the defaults where they can not be had. Never rejects. */
  settings(group: string, topic: string): Promise<GroupSettings>
}

export interface GroupsDeps {
  readonly lookup: GroupLookup
  readonly clock: Clock
  readonly onLookupFailed: (group: string, error: unknown) => void
}

interface Remembered {
  readonly settings: Promise<GroupSettings>
  readonly sinceMs: number
}

/** Least recently fetched groups are forgotten first. */
export function createGroups({ lookup, clock, onLookupFailed }: GroupsDeps): Groups {
  const remembered = new Map<string, Remembered>()

  async function fetch(group: string, topic: string): Promise<GroupSettings> {
    try {
      return (await lookup.groupSettings(group, topic)) ?? DEFAULT_GROUP
    } catch (error) {
      remembered.delete(group)
      onLookupFailed(group, error)
      return DEFAULT_GROUP
    }
  }

  return {
    settings(group, topic) {
      const known = remembered.get(group)
      if (known !== undefined && clock.monotonicMs() - known.sinceMs < FRESH_MS) return known.settings
      remembered.delete(group)
      if (remembered.size >= GROUPS_MAX) {
        const [oldest] = remembered.keys()
        if (oldest !== undefined) remembered.delete(oldest)
      }
      const settings = fetch(group, topic)
      remembered.set(group, { settings, sinceMs: clock.monotonicMs() })
      return settings
    },
  }
}
