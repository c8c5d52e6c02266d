// The full check of a stopped store: every record of the log, every derived file against it. Reads only, and holds a
// bounded part of it in memory, whatever its size.
import { FileError, type Files } from '@rocketmq-ts/runtime'
import { createCheckpointCompare } from './checkpoint-compare.ts'
import { type CheckOwner, NO_OWNER } from './check-owner.ts'
import { createFindings, type Finding, type Findings, type Severity } from './finding.ts'
import { type Folder, readFolder } from './folder-shape.ts'
import { createIndexCheck } from './index-check.ts'
import { topicOf } from '../record-fields.ts'
import { checkLog, checkSegmentFiles } from './log-check.ts'
import { createSegmentSource, type SegmentSource } from './log-source.ts'
import type { ScanDecision } from '../recovery.ts'
import { checkPacks } from './pack-check.ts'
import { createQueueCheck, type QueueCheck } from './queue-check.ts'
import { checkSidecars, readFlushedMarks, reportCheckpoints } from './sidecar-check.ts'
import { checkNote, readWriterFacts } from './writer-check.ts'

/** Names inside the root that this check reads, and those that have no content to check. */
const KNOWN_NAMES =
  /^(?:commitlog|consumequeue|index|checkpoint|abort|reserve|damaged|unit-packs|last-writer\.\d+|lock|\.lock.*|flushed\.\d+|queue-checkpoint\.\d+)$/u

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
  const { owner = NO_OWNER, onProgress } = options
  const findings = createFindings()
  const folder = await readFolder(files, options.folder, findings)
  const source = createSegmentSource(files, folder, (position) =>
    onProgress?.(position - source.min, source.end - source.min),
  )
  try {
    const checked = await checkFolder({ files, folder, findings, source, owner })
    onProgress?.(source.end - source.min, source.end - source.min)
    return reportOf(folder, findings, owner, checked)
  } finally {
    await source.close()
  }
}

interface Parts {
  readonly files: Files
  readonly folder: Folder
  readonly findings: Findings
  readonly source: SegmentSource
  readonly owner: CheckOwner
}

interface Checked {
  readonly decision: ScanDecision
  readonly logMin: number
  readonly queues: QueueCheck
}

async function checkFolder(parts: Parts): Promise<Checked> {
  const { files, folder, findings, source, owner } = parts
  reportCheckpoints(folder, findings)
  const flushedTo = await readFlushedMarks(files, folder, findings)
  const writer = await readWriterFacts(files, folder, findings, owner)
  const { foreignFrom } = writer
  const coveredTo = folder.checkpoints[0]?.coversTo ?? 0
  const provenFlushed = Math.max(flushedTo ?? 0, coveredTo)
  checkSegmentFiles(folder, findings, provenFlushed)
  // Retention may have been stopped between its decision and the last of its removals.
  const logMin = Math.min(source.end, Math.max(source.min, folder.checkpoints[0]?.min ?? 0))
  const queues = createQueueCheck({ files, folder, findings, logMin, coveredTo, foreignFrom })
  const index = await createIndexCheck({ files, folder, findings, logMin, foreignFrom })
  const compare = createCheckpointCompare(folder, queues, findings, logMin)
  let lastStoredMs = 0
  const decision = await checkLog({
    files,
    folder,
    findings,
    source,
    owner,
    from: logMin,
    foreignFrom,
    provenFlushed,
    async onWindow() {
      await queues.compare()
      await index.compare()
    },
    onRecord(record, lostBytes, journal) {
      compare.reach(record.position, lastStoredMs, lostBytes)
      lastStoredMs = record.peek.storeTimestampMs
      const topic = queues.take(record, lostBytes)?.topic ?? topicOf(record.bytes, record.peek)
      index.take(record, topic, lostBytes > 0)
      for (const topic of journal?.endedTopics ?? []) {
        queues.endTopic(topic)
        compare.endTopic(topic)
      }
    },
  })
  const { end } = decision
  compare.finish(end, lastStoredMs, decision.lostBytes)
  await part(findings, folder.root, () => checkPacks(files, folder, findings))
  const { storedBefore } = compare
  const run = (work: () => Promise<void>): Promise<void> => part(findings, folder.root, work)
  await run(() => checkNote(writer, folder, source, findings, end))
  const damaged = decision.moreDamaged === undefined ? decision.damaged : [...decision.damaged, decision.moreDamaged]
  await run(() => queues.finish(end, damaged, decision.lostBytes))
  await run(() => index.finish())
  await run(() => checkSidecars(files, folder, findings, { end, storedBefore, lastKeyMs: index.lastKeyMs }))
  await run(() =>
    owner.checkFiles({
      files,
      root: folder.root,
      end,
      cleanStop: folder.cleanStop,
      nextOffset: (topic, queueId) => queues.nextOf(topic, queueId)?.next,
      report: (finding) => findings.addOther(finding),
    }),
  )
  return { decision, logMin, queues }
}

function reportOf(folder: Folder, findings: Findings, owner: CheckOwner, checked: Checked): CheckReport {
  const { decision, logMin, queues } = checked
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
      from: logMin,
      end: decision.end,
      provenFlushed: decision.provenFlushed,
      bytes: decision.end - logMin,
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
