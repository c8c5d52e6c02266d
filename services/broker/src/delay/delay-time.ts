// When a message is due, from the properties that its producer set. Pure. Java: HookUtils.handleScheduleMessage.
import { MqError, PropertyName, delayOfLevel } from '@rocketmq-ts/model'
import { SECOND_MS } from '../limits.ts'
import { findProperty } from '../send/property-text.ts'

export interface DelaySettings {
  /** Milliseconds of each level. Java: messageDelayLevel. */
  readonly levels: readonly number[]
  /** Furthest time ahead. Java: timerMaxDelaySec. */
  readonly maxMs: number
  /** Length of Java's slots; 1 keeps times as they are. Java: timerPrecisionMs. */
  readonly precisionMs: number
  /** Times of their own are taken. Java: timerWheelEnable. */
  readonly takesTimes: boolean
}

/** A level beats a time. */
export type Delay =
  | { readonly kind: 'level'; readonly level: number; readonly dueMs: number }
  | { readonly kind: 'time'; readonly dueMs: number }

const NAMES = [PropertyName.TIMER_DELAY_SEC, PropertyName.TIMER_DELAY_MS, PropertyName.TIMER_DELIVER_MS] as const

/** Names that mean nothing beside a level. */
export const TIME_NAMES: ReadonlySet<string> = new Set(NAMES)

function numberOf(name: string, value: string): number {
  const number = Number(value)
  if (/^[+-]?\d{1,16}$/u.test(value) && Number.isSafeInteger(number)) return number
  throw new MqError('message-illegal', `property ${name}: '${value.slice(0, 32)}' is no whole number`)
}

function timeOf(text: string, nowMs: number): { readonly name: string; readonly dueMs: number } | undefined {
  for (const name of NAMES) {
    const value = findProperty(text, name)
    if (value === undefined) continue
    const number = numberOf(name, value)
    if (name === PropertyName.TIMER_DELIVER_MS) return { name, dueMs: number }
    return { name, dueMs: nowMs + number * (name === PropertyName.TIMER_DELAY_SEC ? SECOND_MS : 1) }
  }
  return undefined
}

/** Java rounds down to its slots, and a time that is a multiple of them to the slot before. */
function inSlot(dueMs: number, precisionMs: number): number {
  if (precisionMs <= 1) return dueMs
  return dueMs % precisionMs === 0 ? dueMs - precisionMs : dueMs - (dueMs % precisionMs)
}

/**
 * The delay that the properties ask for; undefined when the message is to be had at once. Throws MqError 'message-illegal'
 * for what is no number or too far ahead, and 'internal' where times are turned off, as Java's SYSTEM_ERROR.
 */
export function delayOf(text: string, settings: DelaySettings, nowMs: number): Delay | undefined {
  if (!text.includes('DELAY') && !text.includes(PropertyName.TIMER_DELIVER_MS)) return undefined
  const level = findProperty(text, PropertyName.DELAY)
  if (level !== undefined) {
    const number = numberOf(PropertyName.DELAY, level)
    const delayMs = delayOfLevel(settings.levels, number)
    if (delayMs !== undefined) {
      return { kind: 'level', level: Math.min(number, settings.levels.length), dueMs: nowMs + delayMs }
    }
  }
  const time = timeOf(text, nowMs)
  if (time === undefined) return undefined
  if (!settings.takesTimes) {
    throw new MqError('internal', `property ${time.name}: times are turned off here by timerWheelEnable=false`)
  }
  if (time.dueMs <= nowMs) return undefined
  if (time.dueMs - nowMs > settings.maxMs) {
    throw new MqError(
      'message-illegal',
      `property ${time.name}: due in ${time.dueMs - nowMs} ms, at most ${settings.maxMs} ms ahead are possible ` +
        '(timerMaxDelaySec)',
    )
  }
  return { kind: 'time', dueMs: inSlot(time.dueMs, settings.precisionMs) }
}
