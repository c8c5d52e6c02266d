// Reads the whole log as recovery would, and tells of everything in it that is not as it was written.
import { createRecordPeek } from '@rocketmq-ts/model'
import type { Files } from '@rocketmq-ts/runtime'
import { fileName } from '../commit-log/segment.ts'
import { isJournal } from '../record-fields.ts'
import { type LogRange, type ScanDecision, type ScannedRecord, scanLog } from '../recovery.ts'
import { replayed } from '../restore.ts'
import type { CheckOwner, JournalFacts } from './check-owner.ts'
import type { Findings } from './finding.ts'
import type { Folder } from './folder-shape.ts'
import type { SegmentSource } from './log-source.ts'
import { damageReason, headerProblem } from './record-check.ts'
import { firstWritten } from './zeros.ts'

/** A store time may lie before that of the record in front by this much: clocks are set. */
const STEP_BACK_MS_MAX = 1000
/** Bytes that show why a place is no record; a body beyond is not compared again. */
const REASON_BYTES_MAX = 1024 * 1024

export interface LogCheckOptions {
  readonly files: Files
  readonly folder: Folder
  readonly findings: Findings
  readonly source: SegmentSource
  readonly owner: CheckOwner
  /** Position of the first byte kept. */
  readonly from: number
  readonly provenFlushed: number
  /** Another broker wrote from here on. */
  readonly foreignFrom: number | undefined
  readonly onRecord: (record: ScannedRecord, lostBytes: number, journal: JournalFacts | undefined) => void
  readonly onWindow: () => Promise<void>
}

/** Places in files for positions of the log. */
export function placeInLog({ segmentBytes }: Folder, position: number, bytes?: number) {
  const at = position % segmentBytes
  return { file: `commitlog/${fileName(position - at)}`, at, bytes }
}

/** Names and sizes of segments. The log was flushed up to `provenFlushed`. */
export function checkSegmentFiles(folder: Folder, findings: Findings, provenFlushed: number): void {
  const { segmentBytes, segments, cleanStop } = folder
  let next = segments[0]?.base ?? 0
  for (const { name, base, bytes } of segments) {
    const file = { file: `commitlog/${name}` }
    if (base % segmentBytes !== 0) {
      findings.add('log-file', file, `does not begin at a multiple of ${segmentBytes} bytes`)
      continue
    }
    // One that is made ahead of time has no size before it has its name.
    const isBegun = !cleanStop && base >= provenFlushed && name === segments.at(-1)?.name
    const kind = isBegun ? 'log-tail' : 'log-file'
    if (bytes !== segmentBytes) findings.add(kind, file, `has ${bytes} bytes instead of ${segmentBytes}`)
    if (base > next) findings.add('log-missing', file, `${base - next} bytes of the log before it are missing`)
    next = base + segmentBytes
  }
}

/** Scans all of it. */
export async function checkLog(options: LogCheckOptions): Promise<ScanDecision> {
  const { folder, findings, source, owner, foreignFrom } = options
  const fillers: number[] = []
  let lastStoredMs = 0
  let journal: { readonly position: number; readonly facts: JournalFacts } | undefined

  function journalFacts(record: ScannedRecord): JournalFacts | undefined {
    if (!isJournal(record.bytes, record.peek)) return undefined
    if (journal?.position !== record.position) {
      journal = { position: record.position, facts: owner.readJournal(replayed(record)) }
    }
    return journal.facts
  }

  const decision = await scanLog({
    source,
    from: options.from,
    provenFlushed: options.provenFlushed,
    foreignFrom,
    onFiller: (position) => fillers.push(position),
    onWindow: options.onWindow,
    stampOf: (record) => journalFacts(record)?.provenFlushed,
    onRecord(record, lostBytes) {
      const { position, peek } = record
      const facts = journalFacts(record)
      const place = () => placeInLog(folder, position, peek.totalSize)
      const header = headerProblem(record)
      if (header !== undefined) findings.add('log-header', place(), header)
      if (facts?.problem !== undefined) findings.add('journal-damaged', place(), facts.problem)
      if (peek.storeTimestampMs < lastStoredMs - STEP_BACK_MS_MAX) {
        const problem = `stored at ${peek.storeTimestampMs}, the record before at ${lastStoredMs}`
        findings.add('log-time', place(), problem)
      }
      lastStoredMs = peek.storeTimestampMs
      options.onRecord(record, lostBytes, facts)
      return true
    },
  })
  for (const range of decision.damaged) {
    const problem = `${range.to - range.from} bytes are no record: ${await reasonOf(source, range)}`
    findings.add('log-damaged', placeInLog(folder, range.from, range.to - range.from), problem)
  }
  if (decision.moreDamaged !== undefined) {
    const { from, to, ranges } = decision.moreDamaged
    findings.add('log-damaged', placeInLog(folder, from), `${ranges} more ranges up to ${to} are no records`)
  }
  const ownFillers = fillers.filter((filler) => filler < (foreignFrom ?? Infinity))
  await checkFillers(source, folder, findings, ownFillers)
  await reportTail(options, decision)
  return decision
}

async function reasonOf(source: SegmentSource, { from }: LogRange): Promise<string> {
  const found = await source.fileAt(from)
  if (found === undefined) return 'the file is missing'
  const inSegment = from - found.segment.base
  const remaining = source.segmentBytes - inSegment
  const bytes = Buffer.alloc(Math.min(REASON_BYTES_MAX, remaining))
  const count = await found.file.read(inSegment, bytes)
  return damageReason(bytes.subarray(0, count), from, remaining, createRecordPeek())
}

/** Behind its header a filler of ours is zero. */
async function checkFillers(
  source: SegmentSource,
  folder: Folder,
  findings: Findings,
  fillers: readonly number[],
): Promise<void> {
  for (const filler of fillers) {
    const found = await source.fileAt(filler)
    if (found === undefined) continue
    const at = await firstWritten(found.file, filler - found.segment.base + 8, source.segmentBytes)
    if (at >= 0) findings.add('log-filler', placeInLog(folder, found.segment.base + at), 'is not zero')
  }
}

/** What lies behind the end. */
async function reportTail({ folder, findings, source }: LogCheckOptions, decision: ScanDecision): Promise<void> {
  const { end, tailEnd } = decision
  if (tailEnd <= end) return
  const kind = folder.cleanStop ? 'log-rest' : 'log-tail'
  const reason = await reasonOf(source, { from: end, to: tailEnd })
  const problem = `${tailEnd - end} bytes lie behind the end of the log, ${end}: ${reason}`
  findings.add(kind, placeInLog(folder, end, tailEnd - end), problem)
}
