// A store whose files are old or new as the test says, and a disk that is as full as the test says.
import type { DiskSpace, Effects, Files } from '@rocketmq-ts/runtime'
import { type MessageStore, RETENTION_DEFAULTS, type RetentionOptions, type StoreOptions } from '../../src/index.ts'
import { localHour } from '../../src/retention/rules.ts'
import { newRecord, openStore, SEGMENT_BYTES, send } from '../store-fixture.ts'

export const HOUR_MS = 3_600_000
const EVERY_HOUR = Array.from({ length: 24 }, (_, hour) => hour)

/** Apache's rules, but in any hour. */
export const RULES = { ...RETENTION_DEFAULTS, deleteHours: EVERY_HOUR }

/** The first time from `fromMs` on that is inside (or, with `inside` false, outside of) the given hour here. */
export function timeInHour(fromMs: number, hour: number, inside = true): number {
  let time = fromMs
  while ((localHour(time) === hour) !== inside) time += HOUR_MS / 4
  return time
}

/** Effects whose disk answers as the test says. */
export function withSpace(effects: Effects, space: () => Promise<DiskSpace>): Effects {
  const files = new Proxy(effects.files, {
    get: (target, name) => (name === 'space' ? space : (target[name as keyof Files] as unknown)),
  })
  return { ...effects, files }
}

/** Effects whose disk shows the ratio that `disk` has at the moment. */
export function withDisk(effects: Effects, disk: { usedRatio: number }): Effects {
  return withSpace(effects, async () => ({
    // A tenth is kept for the system: it counts neither as used nor as free.
    totalBytes: 1111,
    usedBytes: disk.usedRatio * 1000,
    freeBytes: 1000 - disk.usedRatio * 1000,
  }))
}

/** Sends records of about 150 bytes until the log ends in its file number `segments`, of which the first is 1. */
export async function fillTo(store: MessageStore, segments: number, queueId = 0): Promise<void> {
  while (store.appended <= (segments - 1) * SEGMENT_BYTES) await send(store, newRecord({ queueId }))
}

/** Opens a store that forgets. */
export async function openForgetting(
  effects: Effects,
  options: Partial<StoreOptions> = {},
  retention: Partial<RetentionOptions> = {},
): Promise<MessageStore> {
  const store = await openStore(effects, options)
  store.startRetention({ rules: RULES, ...retention })
  return store
}
