// The fixed delays that messages may name by number. Java: MessageStoreConfig.messageDelayLevel.
import { MqError } from './mq-error.ts'

/** Java's text of the 18 levels. */
export const DELAY_LEVELS_TEXT = '1s 5s 10s 30s 1m 2m 3m 4m 5m 6m 7m 8m 9m 10m 20m 30m 1h 2h'

const UNIT_MS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }
/** Levels that a table may have, at most. */
const LEVELS_MAX = 64

/** Milliseconds of each level: level 1 first. MqError 'parameter-invalid' names the part that is no delay. */
export function parseDelayLevels(text: string): number[] {
  const parts = text.trim().split(/\s+/u)
  if (parts.length > LEVELS_MAX) {
    throw new MqError('parameter-invalid', `${parts.length} delay levels, at most ${LEVELS_MAX} are possible`)
  }
  return parts.map((part) => {
    const [, count = '', unit = ''] = /^(\d{1,6})([smhd])$/u.exec(part) ?? []
    if (unit === '') throw new MqError('parameter-invalid', `delay level '${part}': write a number and s, m, h or d`)
    return Number(count) * UNIT_MS[unit]!
  })
}

/** Milliseconds of a level, of the last one for levels beyond; undefined for level 0 and below, which delay nothing. */
export function delayOfLevel(levels: readonly number[], level: number): number | undefined {
  return level <= 0 ? undefined : levels[Math.min(level, levels.length) - 1]
}
