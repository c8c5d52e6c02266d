// Which queues go on from a checkpoint: those whose files are there and whole, or whose topic has ended since. The others
// are built again from the log, and the checkpoint says so before anything is built: a start that fails in between leaves
// nothing that looks trustworthy.
import { type QueueId, SystemTopic } from '@rocketmq-ts/model'
import type { Files } from '@rocketmq-ts/runtime'
import { readCheckpoints, type StoredCheckpoint, writeCheckpoint } from './checkpoint.ts'
import type { ConsumeQueue } from './consume-queue/consume-queue.ts'
import type { QueueFiles } from './consume-queue/queue-files.ts'
import type { FilesState } from './consume-queue/queue-places.ts'
import { ownFileMax, type QueueState } from './consume-queue/queue-table.ts'
import type { QueueBuilder } from './queue-builder.ts'
import { encodeQueueStates } from './queue-states.ts'

/** Queues whose files are looked at, at once: most of the time is spent waiting for the disk. */
const LOOKS_AT_ONCE = 16

export interface TrustOptions {
  readonly files: Files
  readonly queueFiles: QueueFiles
  /** Path of our checkpoint's generations. */
  readonly checkpointPath: string
  /** Topics that the log behind the checkpoint ends. Asked where files are missing: those of such a topic may be gone. */
  readonly endedBehind: (checkpoint: StoredCheckpoint) => Promise<ReadonlySet<string>>
}

/** A queue whose files can not be trusted, and what the checkpoint says of it. */
interface LostQueue {
  readonly queue: ConsumeQueue
  readonly state: QueueState
}

/** Told of each derived file that had to go. */
export type Report = (file: string, reason: string) => void

/** A queue as reports name it. */
export function nameOf({ topic, queueId }: QueueId): string {
  return `consumequeue/${topic}/${queueId}`
}

/**
 * Should this start fail, the next one would take files that are built here, and that no sync has seen, for those that the
 * checkpoint speaks of. The offsets given out are known from nowhere else where all records have expired: they stay in it.
 */
async function markLost(
  { files, checkpointPath: path }: TrustOptions,
  checkpoint: StoredCheckpoint,
  lost: ReadonlyMap<number, LostQueue>,
): Promise<void> {
  const states = Array.from(checkpoint.queues, (state, at) => (lost.has(at) ? { ...state, isLost: true } : state))
  const queues = encodeQueueStates(states)
  // It covers no more than the one that was chosen, which is flushed.
  await writeCheckpoint(files, path, { ...checkpoint, queues }, async () => undefined)
  const { valid } = await readCheckpoints(files, path)
  for (const { generation } of valid.slice(1)) await files.remove(generation.path)
  await files.syncFolder(path.slice(0, path.lastIndexOf('/')))
}

/** Takes the queues of a checkpoint. False when files of one are missing: then the whole log must be read. */
export async function trustQueues(
  options: TrustOptions,
  builder: QueueBuilder,
  checkpoint: StoredCheckpoint,
  isForeign: boolean,
  rebuilt: Report,
): Promise<boolean> {
  const { queueFiles } = options
  const places = isForeign ? await queueFiles.places() : []
  const left = new Set([SystemTopic.INFLIGHT_LOG as string, ...places.map(({ topic }) => topic)])
  /** By their places in the checkpoint. */
  const lost = new Map<number, LostQueue>()

  async function lookAtFiles(queue: ConsumeQueue, { isLost, packed = [] }: QueueState): Promise<FilesState> {
    if (isLost === true) return 'lost'
    for (const place of packed) if (!(await queueFiles.packs.has(place))) return 'lost'
    return queueFiles.look(queue, checkpoint.coversTo)
  }

  async function look(queue: ConsumeQueue, state: QueueState, at: number): Promise<void> {
    const files = await lookAtFiles(queue, state)
    // What packs or the checkpoint have can be in the files as well, and is written again.
    if (files === 'overgrown' && state.packed === undefined && state.units === undefined) builder.noteOvergrown(queue)
    if (files === 'lost') lost.set(at, { queue, state })
    else builder.addUnits(queue, state)
  }

  let looks: Promise<void>[] = []
  let at = 0
  for (const state of checkpoint.queues) {
    // Java removes the folder of a topic with the topic.
    if (isForeign && !left.has(state.topic) && ownFileMax(state) > state.min) {
      rebuilt(nameOf(state), 'was deleted by another broker')
    } else looks.push(look(builder.trust(state), state, at))
    at += 1
    if (looks.length < LOOKS_AT_ONCE) continue
    await Promise.all(looks)
    looks = []
  }
  await Promise.all(looks)
  if (lost.size > 0 && !isForeign) {
    const ended = await options.endedBehind(checkpoint)
    for (const [place, { queue, state }] of lost) {
      if (!ended.has(state.topic)) continue
      lost.delete(place)
      // Offsets go on without a gap up to the record that ends it.
      builder.addUnits(queue, state)
    }
  }
  if (lost.size === 0) return true
  await markLost(options, checkpoint, lost)
  // In the order of the checkpoint, not in that of the looks.
  for (const [, { queue, state }] of [...lost].sort(([a], [b]) => a - b)) {
    builder.distrust(queue, state)
    await queueFiles.remove(state)
    rebuilt(nameOf(state), 'is missing or damaged')
  }
  return false
}
