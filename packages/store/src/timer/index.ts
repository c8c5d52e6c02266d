export type { TimerEntry, TimerKey } from './timer-entry.ts'
export { TimerFiles, type OpenedTimers } from './timer-files.ts'
export type { TimerTotals } from './timer-image.ts'
export { type TimerEnd, TimerIndex } from './timer-index.ts'
