// Entries of Apache's settings and offset files that mean nothing here: those of its system topics and groups, and offsets
// of topics that are gone. They are journaled as they are and go back into the files, so that its broker finds them again.
import { type JavaJson, isJavaJsonObject, parseJavaJson } from '@rocketmq-ts/model'

/** Files that entries are kept for. */
export const KEPT_FILES = ['topics.json', 'subscriptionGroup.json', 'consumerOffset.json'] as const
export type KeptFile = (typeof KEPT_FILES)[number]

export interface KeptEntries {
  /** Replaces what is kept for a file. Throws MqError 'parameter-invalid' where the payload is no JSON object. */
  put(file: string, payload: string): void
  /** The members of one table. */
  table(file: KeptFile, name: string): ReadonlyMap<string, JavaJson>
  /** File and payload, as they were put. */
  all(): Iterable<readonly [file: string, payload: string]>
}

/** Creates an empty collection. */
export function createKeptEntries(): KeptEntries {
  const payloads = new Map<string, string>()
  const parsed = new Map<string, JavaJson>()
  return {
    put(file, payload) {
      parsed.set(file, parseJavaJson(payload))
      payloads.set(file, payload)
    },
    table(file, name) {
      const tables = parsed.get(file)
      const members = isJavaJsonObject(tables) && !(tables instanceof Map) ? tables[name] : undefined
      if (!isJavaJsonObject(members) || members instanceof Map) return new Map()
      return new Map(Object.entries(members))
    },
    all: () => payloads,
  }
}
