// Decides which files of the log go, and why. Pure. The oldest go first, without gaps; the last one never goes, and nothing
// that somebody holds. Age is that of a file's last message, not of the file: a copied or slow log is judged alike.
import { localHour, nextDeleteTime, type RetentionRules } from './rules.ts'

/** A file of the log that is not its last one. */
export interface LogFile {
  readonly base: number
  /** Base of the next file. */
  readonly end: number
  /** Store time of its last message; undefined while nobody has looked, or where none can be read. */
  readonly lastStoredMs: number | undefined
}

/** Somebody who needs the log from `position` on. */
export interface Held {
  readonly owner: string
  readonly position: number
}

/** Java: UtilAll.getDiskPartitionSpaceUsedPercent. */
export interface DiskUse {
  readonly usedBytes: number
  /** What files can take, so without what the system keeps for itself. */
  readonly totalBytes: number
}

export interface PlanInput {
  /** Ascending, without gaps; the last file of the log is not among them. */
  readonly files: readonly LogFile[]
  /** Undefined where the disk does not answer: then only age counts. */
  readonly disk: DiskUse | undefined
  readonly rules: RetentionRules
  readonly holds: readonly Held[]
  readonly nowMs: number
  readonly hourOf?: typeof localHour
}

/** 'disk-age': old enough, and the disk does not wait for the hour. 'disk': it needs the room. */
export type RemovalReason = 'age' | 'disk-age' | 'disk'

export interface Removal {
  readonly file: LogFile
  readonly reason: RemovalReason
}

export interface RetentionPlan {
  readonly removals: readonly Removal[]
  /** The hold without which more would go. */
  readonly heldBy: Held | undefined
  /** Sends are refused. */
  readonly refuseSends: boolean
  /** More may be due at once: look again after the interval. */
  readonly more: boolean
  /** When age makes the oldest file that stays due, if it is known. */
  readonly nextDueMs: number | undefined
}

/** Used bytes as a share of all; 0 for a disk that tells no size. */
export function usedRatio({ usedBytes, totalBytes }: DiskUse): number {
  return totalBytes > 0 ? usedBytes / totalBytes : 0
}

function lowest(holds: readonly Held[]): Held | undefined {
  let first: Held | undefined
  for (const hold of holds) if (first === undefined || hold.position < first.position) first = hold
  return first
}

/** Java: DefaultMessageStore.CleanCommitLogService.deleteExpiredFiles. */
export function planRetention(input: PlanInput): RetentionPlan {
  const { files, disk, rules, nowMs, hourOf = localHour } = input
  const ratio = disk === undefined ? 0 : usedRatio(disk)
  const isUrgent = ratio > rules.usedRatioMax
  const isTime = rules.deleteHours.includes(hourOf(nowMs))
  const hold = lowest(input.holds)
  const removals: Removal[] = []
  /** What must go before the disk is no reason any more. */
  let bytesToFree =
    disk !== undefined && rules.cleanForcibly ? disk.usedBytes - rules.cleanForciblyRatio * disk.totalBytes : 0
  let heldBy: Held | undefined
  let next = 0
  for (; next < files.length && removals.length < rules.filesPerPassMax; next += 1) {
    const file = files[next]!
    const isOld = file.lastStoredMs !== undefined && nowMs >= file.lastStoredMs + rules.reservedMs
    const reason = bytesToFree > 0 ? 'disk' : isOld && isTime ? 'age' : isOld && isUrgent ? 'disk-age' : undefined
    if (reason === undefined) break
    if (hold !== undefined && hold.position < file.end) {
      heldBy = hold
      break
    }
    removals.push({ file, reason })
    bytesToFree -= file.end - file.base
  }
  const oldest = files[next]
  const dueMs = oldest?.lastStoredMs === undefined ? undefined : oldest.lastStoredMs + rules.reservedMs
  return {
    removals,
    heldBy,
    refuseSends: ratio > rules.warningRatio,
    more: removals.length > 0 || (isUrgent && files.length > 0),
    nextDueMs: dueMs === undefined ? undefined : nextDeleteTime(Math.max(dueMs, nowMs), rules.deleteHours, hourOf),
  }
}
