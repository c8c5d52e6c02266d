// Files that derive from the log: the start-up cache of the in-flight core, and mirrors of topics, groups and offsets in
// Apache's form. Each covers the log up to a position and takes its name only when the log is flushed that far.
import { crc32, utf8Encode } from '@rocketmq-ts/bytes'
import { type DataVersion, stringifyJavaJson } from '@rocketmq-ts/model'
import {
  type Clock,
  type Files,
  type Logger,
  type Scheduler,
  type Timer,
  type Turns,
  writeGeneration,
} from '@rocketmq-ts/runtime'
import type { MessageStore } from '@rocketmq-ts/store'
import { delayOffsetsMirror } from './delay/apache-progress.ts'
import type { LevelOffsets } from './delay/timer-records.ts'
import type { BrokerEvent } from './events.ts'
import type { KeptEntries } from './foreign/kept-entries.ts'
import { orderInfoMirror } from './foreign/order-info.ts'
import type { GroupTable } from './groups/group-table.ts'
import type { Inflight, Snapshot } from './inflight/inflight.ts'
import type { Journal } from './journal/journal.ts'
import { writeMirror } from './mirror-file.ts'
import type { MovedDeliveries } from './pop/moved-deliveries.ts'
import { liveSettings } from './settings-writer.ts'
import { START_CACHE_KIND, START_CACHE_VERSION, encodeStartCacheHead, startCachePath } from './start-cache.ts'
import type { TopicTable } from './topics/topic-table.ts'

export interface DerivedFiles {
  /** Something changed: writes within the interval. */
  touch(): void
  /** Writes now; rejects when that fails. */
  write(): Promise<void>
  /** The same at a clean stop, where the log takes anything at all; a failure is told in the log. */
  writeLast(): Promise<void>
  stop(): void
}

export interface DerivedFilesDeps {
  readonly files: Files
  readonly scheduler: Scheduler
  /** The broker's steady clock. */
  readonly clock: Clock
  readonly turns: Pick<Turns, 'enter'>
  readonly store: Pick<MessageStore, 'appended' | 'whenFlushed' | 'failure'>
  readonly inflight: Inflight
  readonly moved: Pick<MovedDeliveries, 'all'>
  readonly journal: Pick<Journal, 'seal'>
  readonly topics: TopicTable
  readonly groups: GroupTable
  readonly kept: KeptEntries
  /** Of delayed messages. */
  readonly levels: LevelOffsets
  readonly logger: Logger<BrokerEvent>
  readonly root: string
  readonly intervalMs: number
}

/** States of an image that one job takes, about: a million entries are 16 MiB. */
const IMAGE_BYTES_PER_TURN = 256 * 1024

/** What the files will hold: all of it as it was at one moment between two Turns' changes. */
interface Image {
  readonly coversTo: number
  /** The start cache without its snapshot. */
  readonly head: Uint8Array
  readonly snapshot: Snapshot
  readonly mirrors: readonly (readonly [name: string, bytes: Uint8Array])[]
}

/** Creates the writer. `root` must exist. */
export function createDerivedFiles(deps: DerivedFilesDeps): DerivedFiles {
  const { files, scheduler, store, inflight, logger } = deps
  let timer: Timer | undefined
  let stopped = false
  let images = 0
  /** End of the log at the last image that was written. Everything that changes is in the log. */
  let written: number | undefined
  /** CRCs of the mirrors that this process has written: one that would be the same is not written again. */
  const mirrored = new Map<string, number>()
  /** The write that runs, and the one that starts after it. */
  let running: Promise<void> | undefined
  let following: Promise<void> | undefined

  /** Java counts commits; nobody compares them with ours. */
  function nextVersion(): DataVersion {
    images += 1
    return { counter: images, stateVersion: 0, timestamp: deps.clock.nowMs() }
  }

  /** Called in a job. What its Turn has changed so far is sealed first, so that the image ends at the log's end. */
  function beginImage(): Image {
    deps.journal.seal()
    const delayOffsets = delayOffsetsMirror(deps.levels)
    const mirrors: Image['mirrors'] = [
      ['topics.json', utf8Encode(topicsMirror(deps))],
      ['subscriptionGroup.json', utf8Encode(groupsMirror(deps))],
      ['consumerOffset.json', utf8Encode(offsetsMirror(deps, nextVersion()))],
      ['consumerOrderInfo.json', utf8Encode(orderInfoMirror(inflight, deps.groups))],
      ...(delayOffsets === undefined ? [] : [['delayOffset.json', utf8Encode(delayOffsets)] as const]),
    ]
    return {
      coversTo: store.appended,
      head: encodeStartCacheHead({
        nowMs: deps.clock.nowMs(),
        settings: [...liveSettings(deps)],
        moved: deps.moved.all(),
        mirrors: Object.fromEntries(mirrors.map(([name, bytes]) => [name, crc32(bytes)])),
      }),
      snapshot: inflight.beginSnapshot(),
      mirrors,
    }
  }

  async function writeImage(image: Image): Promise<void> {
    const folder = `${deps.root}/config`
    await files.makeFolder(folder)
    await writeGeneration(files, startCachePath(deps.root), {
      kind: START_CACHE_KIND,
      version: START_CACHE_VERSION,
      coversTo: image.coversTo,
      payload: [image.head, image.snapshot.encode()],
      whenFlushed: (position) => store.whenFlushed(position),
    })
    for (const [name, bytes] of image.mirrors) {
      const crc = crc32(bytes)
      if (mirrored.get(name) === crc) continue
      await writeMirror(files, folder, name, bytes)
      mirrored.set(name, crc)
    }
    written = image.coversTo
  }

  function inTurn<Result>(job: () => Result): Promise<Result> {
    return new Promise((resolve, reject) => {
      const entered = deps.turns.enter(() => resolve(job()))
      if (!entered) reject(new Error('too many requests wait for the broker'))
    })
  }

  /** Requests go on between the steps. */
  async function takeImage(): Promise<Image> {
    let isWhole = false
    const image = await inTurn(() => {
      const begun = beginImage()
      isWhole = begun.snapshot.step(IMAGE_BYTES_PER_TURN)
      return begun
    })
    try {
      while (!isWhole) isWhole = await inTurn(() => image.snapshot.step(IMAGE_BYTES_PER_TURN))
    } catch (error) {
      image.snapshot.end()
      throw error
    }
    return image
  }

  /** One at a time. What is asked for meanwhile is written afterwards, with all that has changed until then. */
  function write(): Promise<void> {
    if (running === undefined) {
      running = takeImage()
        .then(writeImage)
        .finally(() => {
          running = undefined
        })
      return running
    }
    following ??= running
      .catch(() => undefined)
      .then(() => {
        following = undefined
        return write()
      })
    return following
  }

  async function tryWrite(): Promise<void> {
    await write().catch((error: unknown) => {
      logger.warn({ event: 'snapshot.failed', message: error instanceof Error ? error.message : String(error) })
    })
  }

  return {
    touch() {
      if (timer !== undefined || stopped) return
      timer = scheduler.after(deps.intervalMs, () => {
        timer = undefined
        if (store.appended !== written) void tryWrite()
      })
    },
    write,
    async writeLast() {
      if (store.failure === undefined) await tryWrite()
    },
    stop() {
      stopped = true
      timer?.cancel()
    },
  }
}

/** Java: TopicConfigManager.encode. */
function topicsMirror({ topics, kept }: DerivedFilesDeps): string {
  const topicConfigTable = new Map<string, unknown>(kept.table('topics.json', 'topicConfigTable'))
  for (const { config } of topics.all()) topicConfigTable.set(config.topicName, config)
  return stringifyJavaJson({ dataVersion: topics.dataVersion, topicConfigTable })
}

/** Java: SubscriptionGroupManager.encode. */
function groupsMirror({ groups, kept }: DerivedFilesDeps): string {
  const file = 'subscriptionGroup.json'
  const subscriptionGroupTable = new Map<string, unknown>(kept.table(file, 'subscriptionGroupTable'))
  for (const config of groups.all()) subscriptionGroupTable.set(config.groupName, config)
  const forbiddenTable = kept.table(file, 'forbiddenTable')
  return stringifyJavaJson({ dataVersion: groups.dataVersion, forbiddenTable, subscriptionGroupTable })
}

/** Low marks: leaving for Apache's broker gives duplicates, never loss. Java: ConsumerOffsetManager.encode. */
function offsetsMirror({ inflight, kept }: DerivedFilesDeps, dataVersion: DataVersion): string {
  const offsetTable = new Map<string, Map<number, unknown>>()
  function put(key: string, queueId: number, offset: unknown): void {
    let queues = offsetTable.get(key)
    if (queues === undefined) offsetTable.set(key, (queues = new Map()))
    queues.set(queueId, offset)
  }
  for (const [key, queues] of kept.table('consumerOffset.json', 'offsetTable')) {
    for (const [queueId, offset] of Object.entries(queues ?? {})) put(key, Number(queueId), offset)
  }
  for (const queue of inflight.all()) put(`${queue.topic}@${queue.group}`, queue.queueId, inflight.lowMark(queue))
  return stringifyJavaJson({ dataVersion, offsetTable })
}
