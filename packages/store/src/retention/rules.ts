// What makes a file of the log go: Apache's settings, in our units. Java: MessageStoreConfig, DefaultMessageStore's
// CleanCommitLogService.

/** When files of the log go, and when sends are refused. Ratios are used bytes of the disk, 0 … 1. */
export interface RetentionRules {
  /** A file may go when its last message is this old. Java: fileReservedTime. */
  readonly reservedMs: number
  /** Local hours in which age counts, 0 … 23. Java: deleteWhen. */
  readonly deleteHours: readonly number[]
  /** Above, age counts in any hour. Java: diskMaxUsedSpaceRatio. */
  readonly usedRatioMax: number
  /** Above, the oldest files go whatever their age. Java: diskSpaceCleanForciblyRatio. */
  readonly cleanForciblyRatio: number
  /** Whether they do. Java: cleanFileForciblyEnable. */
  readonly cleanForcibly: boolean
  /** Above, sends are refused. Java: diskSpaceWarningLevelRatio. */
  readonly warningRatio: number
  /** Pause between two looks while something can become due. Java: cleanResourceInterval. */
  readonly intervalMs: number
  /** Files of one look, at most. Java: deleteFileBatchMax. */
  readonly filesPerPassMax: number
  /** Pause between two files. Java: deleteCommitLogFilesInterval. */
  readonly filePauseMs: number
}

const HOUR_MS = 3_600_000
/** Every offset of a time zone is a multiple of it. */
const QUARTER_MS = 900_000
const QUARTERS_PER_DAY = 96

/** Apache's defaults. */
export const RETENTION_DEFAULTS: RetentionRules = {
  reservedMs: 72 * HOUR_MS,
  deleteHours: [4],
  usedRatioMax: 0.75,
  cleanForciblyRatio: 0.85,
  cleanForcibly: true,
  warningRatio: 0.9,
  intervalMs: 10_000,
  filesPerPassMax: 10,
  filePauseMs: 100,
}

/** Hour of the day of a wall time, in the time zone of the machine. */
export function localHour(timeMs: number): number {
  return new Date(timeMs).getHours()
}

/** The first time from `fromMs` on that lies in one of the hours. */
export function nextDeleteTime(fromMs: number, hours: readonly number[], hourOf: typeof localHour): number {
  let time = fromMs
  for (let step = 0; step <= QUARTERS_PER_DAY; step += 1) {
    if (hours.includes(hourOf(time))) return time
    time = (Math.floor(time / QUARTER_MS) + 1) * QUARTER_MS
  }
  return time
}
