// Who wrote last, as a start would judge it: where another broker's part of the log begins. The note of it tells, after a
// clean stop, what the last bytes of the log were.
import { crc32 } from 'node:zlib'
import type { Files } from '@rocketmq-ts/runtime'
import { LAST_WRITER_TAIL_BYTES, type Noted, readLastWriter } from '../last-writer.ts'
import { pathsOf } from '../store-settings.ts'
import type { CheckOwner } from './check-owner.ts'
import type { Findings } from './finding.ts'
import type { Folder } from './folder-shape.ts'
import { foreignWritesOf } from './folder-writer.ts'
import { placeInLog } from './log-check.ts'
import type { SegmentSource } from './log-source.ts'
import { nameIn } from './sidecar-check.ts'

export interface WriterFacts {
  readonly note: Noted | undefined
  /** Another broker wrote from here on; undefined when all is ours. */
  readonly foreignFrom: number | undefined
}

/** Judges as the next start would. A note that can not be read is a finding. */
export async function readWriterFacts(
  files: Files,
  folder: Folder,
  findings: Findings,
  owner: Pick<CheckOwner, 'stamp'>,
): Promise<WriterFacts> {
  const { note, damaged } = await readLastWriter(files, pathsOf(folder.root).lastWriter)
  for (const { path, reason } of damaged) findings.add('last-writer', { file: nameIn(folder, path) }, reason)
  return { note, foreignFrom: (await foreignWritesOf(files, folder, owner))?.from }
}

/** After a clean stop: the log ends where the note says, and its last bytes are those of then. */
export async function checkNote(
  { note, foreignFrom }: WriterFacts,
  folder: Folder,
  source: SegmentSource,
  findings: Findings,
  end: number,
): Promise<void> {
  if (note?.state !== 'stopped' || foreignFrom !== undefined || !folder.cleanStop) return
  if (note.at !== end) {
    findings.add(
      'log-missing',
      placeInLog(folder, end),
      `the log ended at ${note.at} when it was stopped, now at ${end}`,
    )
    return
  }
  const found = note.at === 0 ? undefined : await source.fileAt(note.at - 1)
  if (found === undefined) return
  const from = Math.max(found.segment.base, note.at - LAST_WRITER_TAIL_BYTES)
  const bytes = Buffer.alloc(note.at - from)
  await found.file.read(from - found.segment.base, bytes)
  if (crc32(bytes) === note.tailCrc) return
  const problem = `the last ${bytes.length} bytes of the log are not those of the stop`
  findings.add('log-header', placeInLog(folder, from, bytes.length), problem)
}
