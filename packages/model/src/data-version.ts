// The version of a table that brokers announce. Java: DataVersion.
import type { JavaJson } from './java-json.ts'
import { JsonFields } from './json-fields.ts'

export interface DataVersion {
  /** Rises when a broker's role changes. */
  readonly stateVersion: number
  readonly counter: number
  /** Milliseconds since the epoch. */
  readonly timestamp: number
}

export const INITIAL_DATA_VERSION: DataVersion = Object.freeze({ stateVersion: 0, counter: 0, timestamp: 0 })

/** The version after a change. */
export function nextDataVersion(version: DataVersion, nowMs: number): DataVersion {
  return { stateVersion: version.stateVersion, counter: version.counter + 1, timestamp: nowMs }
}

/** Negative when `left` is older: by state version, then counter, then timestamp. Zero only when all are equal. */
export function compareDataVersions(left: DataVersion, right: DataVersion): number {
  return left.stateVersion - right.stateVersion || left.counter - right.counter || left.timestamp - right.timestamp
}

export function decodeDataVersion(json: JavaJson | undefined, path = 'dataVersion'): DataVersion {
  const fields = new JsonFields(json, path)
  return {
    stateVersion: fields.integer('stateVersion', 0),
    counter: fields.integer('counter', 0),
    timestamp: fields.integer('timestamp', 0),
  }
}
