// The full check of a stopped store: every record of the log, every derived file against it. Reads only, and holds a
// bounded part of it in memory, whatever its size.
import { FileError, type Files } from '@rocketmq-ts/runtime'
import { createCheckpointCompare } from './checkpoint-compare.ts'
import { type CheckOwner, NO_OWNER } from './check-owner.ts'
import { createFindings, type Finding, type Findings, type Severity } from './finding.ts'
import { type Folder, readFolder } from './folder-shape.ts'
import { checkLog, checkSegmentFiles } from './log-check.ts'
import { createSegmentSource } from './log-source.ts'
import { createQueueCheck } from './queue-check.ts'
import { checkSidecars, readFlushedMarks, reportCheckpoints } from './sidecar-check.ts'

/** Names inside the root that this check reads, and those that have no content to check. */
const KNOWN_NAMES =
  /^(?:commitlog|consumequeue|checkpoint|abort|reserve|damaged|lock|\.lock.*|flushed\.\d+|queue-checkpoint\.\d+)$/u

export interface CheckOptions {
  /** Absolute path of the root. */
  readonly folder: string
  readonly owner?: CheckOwner
  /** Told how many bytes of the log were read. */
  readonly onProgress?: (bytes: number, total: number) => void
}

/** What a check found. `isSound` says whether there is any fault. */
export interface CheckReport {
  readonly folder: string
  readonly isSound: boolean
  readonly cleanStop: boolean
  readonly segmentBytes: number
  readonly unitsPerFile: number
  readonly log: {
    readonly from: number
    readonly end: number
    /** Highest position that is proven to have been flushed. */
    readonly provenFlushed: number
    readonly bytes: number
    readonly records: number
  }
  readonly queues: number
  readonly units: number
  readonly findings: readonly Finding[]
  /** How many findings there are of each kind. */
  readonly counts: Readonly<Record<string, number>>
  readonly severities: Readonly<Record<Severity, number>>
  /** Findings that are counted only. */
  readonly more: number
  /** Names inside the root that nobody here knows. */
  readonly unchecked: readonly string[]
}

/** Runs a part of the check; what the disk refuses is a finding, and the other parts go on. */
async function part(findings: Findings, folder: string, work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    if (!(error instanceof FileError)) throw error
    findings.add('unreadable', { file: error.path.slice(folder.length + 1) }, error.message)
  }
}

/**
 * Checks the store in a folder that nobody writes to meanwhile. Rejects with FileError 'not-found' where there is none,
 * and with any other FileError when the log can not be read.
 */
export async function checkStore(options: CheckOptions, { files }: { readonly files: Files }): Promise<CheckReport> {
  const { owner = NO_OWNER } = options
  const findings = createFindings()
  const folder = await readFolder(files, options.folder, findings)
  checkSegmentFiles(folder, findings)
  reportCheckpoints(folder, findings)
  const marks = await readFlushedMarks(files, folder, findings)
  const source = createSegmentSource(files, folder, (position) =>
    options.onProgress?.(position - source.min, source.end - source.min),
  )
  const coveredTo = folder.checkpoints[0]?.coversTo ?? 0
  const queues = createQueueCheck({
    files,
    folder,
    findings,
    logMin: source.min,
    coveredTo,
    isForeign: marks.areMissing,
  })
  const compare = createCheckpointCompare(folder, queues, findings, source.min)
  let lastStoredMs = 0
  const decision = await checkLog({
    files,
    folder,
    findings,
    source,
    owner,
    isForeign: marks.areMissing,
    provenFlushed: Math.max(marks.position ?? 0, coveredTo),
    onWindow: () => queues.compare(),
    onRecord(record, lostBytes, journal) {
      compare.reach(record.position, lastStoredMs)
      lastStoredMs = record.peek.storeTimestampMs
      queues.take(record, lostBytes)
      for (const topic of journal?.endedTopics ?? []) {
        queues.endTopic(topic)
        compare.endTopic(topic)
      }
    },
  }).finally(() => source.close())
  const { end } = decision
  compare.finish(end, lastStoredMs)
  await part(findings, folder.root, () => queues.finish(end, decision.damaged))
  await part(findings, folder.root, () =>
    checkSidecars(files, folder, findings, { end, storedBefore: compare.storedBefore }),
  )
  await part(findings, folder.root, () =>
    owner.checkFiles({
      files,
      root: folder.root,
      end,
      cleanStop: folder.cleanStop,
      nextOffset: (topic, queueId) => queues.nextOf(topic, queueId)?.next,
      report: (finding) => findings.addOther(finding),
    }),
  )
  options.onProgress?.(source.end - source.min, source.end - source.min)
  const severities = {
    error: findings.count('error'),
    warning: findings.count('warning'),
    note: findings.count('note'),
  }
  return {
    folder: folder.root,
    isSound: severities.error + severities.warning === 0,
    cleanStop: folder.cleanStop,
    segmentBytes: folder.segmentBytes,
    unitsPerFile: folder.unitsPerFile,
    log: {
      from: source.min,
      end,
      provenFlushed: decision.provenFlushed,
      bytes: end - source.min,
      records: decision.records,
    },
    queues: queues.queues,
    units: queues.units,
    findings: findings.list,
    counts: findings.counts,
    severities,
    more: findings.more,
    unchecked: uncheckedNames(folder, owner),
  }
}

function uncheckedNames({ names }: Folder, owner: CheckOwner): string[] {
  return names.filter((name) => !KNOWN_NAMES.test(name) && !owner.owns(name))
}
