// Walks the records of a stopped store, in the order of the log, as the next start would take them. Reads only.
import type { Files } from '@rocketmq-ts/runtime'
import { createFindings } from '../check/finding.ts'
import { type Folder, readFolder } from '../check/folder-shape.ts'
import { createSegmentSource } from '../check/log-source.ts'
import { readFlushedMarks } from '../check/sidecar-check.ts'
import { readWriterFacts } from '../check/writer-check.ts'
import { isJournal } from '../record-fields.ts'
import { type LogRange, type ScanDecision, type ScannedRecord, scanLog } from '../recovery.ts'
import { replayed } from '../restore.ts'
import type { CheckOwner } from '../check/check-owner.ts'

export interface WalkOptions {
  /** Absolute path of the root. */
  readonly folder: string
  readonly owner: CheckOwner
  /** Position to begin at: that of a record. Default: the first byte kept. */
  readonly from?: number | undefined
  /** Takes a record; false ends the walk behind it. */
  readonly onRecord: (record: ScannedRecord) => boolean
  /** Told of every damaged range, behind the records in front of it. */
  readonly onDamaged?: (range: LogRange) => void
  /** Awaited between reads. */
  readonly onWindow?: () => Promise<void>
  readonly onProgress?: (bytes: number, total: number) => void
}

export interface Walked {
  readonly folder: Folder
  readonly decision: ScanDecision
}

/** Rejects as `checkStore` does. */
export async function walkLog(options: WalkOptions, { files }: { readonly files: Files }): Promise<Walked> {
  const { owner, onProgress } = options
  const findings = createFindings()
  const folder = await readFolder(files, options.folder, findings)
  const source = createSegmentSource(files, folder, (position) =>
    onProgress?.(position - source.min, source.end - source.min),
  )
  let isOver = false
  try {
    const flushedTo = await readFlushedMarks(files, folder, findings)
    const { foreignFrom } = await readWriterFacts(files, folder, findings, owner)
    const decision = await scanLog({
      source: {
        segmentBytes: source.segmentBytes,
        get end() {
          return isOver ? 0 : source.end
        },
        read: (position, into) => source.read(position, into),
      },
      from: Math.max(options.from ?? 0, source.min, folder.checkpoints[0]?.min ?? 0),
      provenFlushed: Math.max(flushedTo ?? 0, folder.checkpoints[0]?.coversTo ?? 0),
      foreignFrom,
      stampOf: (record) =>
        isJournal(record.bytes, record.peek) ? owner.readJournal(replayed(record)).provenFlushed : undefined,
      onRecord(record) {
        isOver = !options.onRecord(record)
        return true
      },
      ...(options.onDamaged && { onDamaged: options.onDamaged }),
      ...(options.onWindow && { onWindow: options.onWindow }),
    })
    return { folder, decision }
  } finally {
    await source.close()
  }
}
