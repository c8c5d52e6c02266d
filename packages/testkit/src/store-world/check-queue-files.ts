// The files of consume queues, unit by unit, against the log: what was written live and what was built again from the log
// must both be exactly this.
import { tagsCodeOf } from '@rocketmq-ts/model'
import type { Disk } from '../sim/index.ts'
import { maxOffsets } from './check-recovery.ts'
import type { LogImage } from './log-image.ts'
import type { Model } from './model.ts'
import { mayBeGone } from './topic-rules.ts'
import type { Verdict } from './verdict.ts'

const UNIT_BYTES = 20
/** Units of a file that is gone, and of offsets below the first one of a queue. */
const BLANKS: ReadonlySet<string> = new Set(['0 0 0', `0 ${2 ** 31 - 1} 0`])

export interface QueueFilesFacts {
  readonly disk: Disk
  /** Root of the store. */
  readonly root: string
  /** Length of a queue file. */
  readonly fileBytes: number
  readonly image: LogImage
  /** By the machine's clock. */
  readonly nowMs: number
  /** Queue files were changed at rest: what lies further behind the end than Apache looks may stay there. */
  readonly wereChanged: boolean
  /** For the report: whose files they are. */
  readonly whose: string
}

/** Judges the queues of all topics whose life is known. The broker has stopped in order. */
export function checkQueueFiles(model: Model, facts: QueueFilesFacts, verdict: Verdict): void {
  const { disk, root, fileBytes, image, nowMs, whose, wereChanged } = facts
  const files = new Map<string, Buffer>()
  const fileOf = (topic: string, queueId: number, start: number): Buffer => {
    const path = `${root}/consumequeue/${topic}/${queueId}/${String(start).padStart(20, '0')}`
    let bytes = files.get(path)
    if (bytes === undefined) {
      bytes = Buffer.alloc(fileBytes)
      if (disk.find(path) !== undefined) disk.file(path).pages.read(0, bytes)
      files.set(path, bytes)
    }
    return bytes
  }

  for (const record of image.records) {
    const { topic, queueId, queueOffset, position, size } = record
    const known = model.topic(topic)
    const message = model.ofBody(record.body)
    if (known?.value === undefined || known.isFuzzy || message === undefined || position < known.value.born) continue
    const at = (queueOffset * UNIT_BYTES) % fileBytes
    const bytes = fileOf(topic, queueId, queueOffset * UNIT_BYTES - at)
    const unit = [bytes.readBigInt64BE(at), bytes.readInt32BE(at + 8), bytes.readBigInt64BE(at + 12)]
    const expected = [BigInt(position), size, BigInt(tagsCodeOf(message.tag))]
    if (unit.join(' ') === expected.join(' ')) continue
    // What a rule of its topic lets go takes its unit along, or leaves a blank one to queues that are built again.
    if (BLANKS.has(unit.join(' ')) && mayBeGone(model, message, nowMs)) continue
    verdict.add(
      'queue-file',
      `${whose}: ${topic} queue ${queueId} offset ${queueOffset} is ${unit.join(' ')}, its record says ${expected.join(' ')}`,
    )
  }
  for (const known of model.topics) {
    const { name: topic, value, isFuzzy } = known
    if (value === undefined || isFuzzy) continue
    // The last record may be a damaged one: its unit stays.
    const max = maxOffsets(model, image, known)
    for (let queueId = 0; queueId < value.number; queueId += 1) {
      const end = (max.get(queueId) ?? 0) * UNIT_BYTES
      if (end === 0 || end % fileBytes === 0) continue
      const bytes = fileOf(topic, queueId, end - (end % fileBytes))
      const rest = bytes.subarray(end % fileBytes).subarray(0, wereChanged ? UNIT_BYTES : fileBytes)
      if (rest.some((byte) => byte !== 0)) {
        verdict.add(
          'queue-file',
          `${whose}: ${topic} queue ${queueId} has bytes behind its last unit, ${end / UNIT_BYTES}`,
        )
      }
    }
  }
}
