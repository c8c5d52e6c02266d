// Progress as Apache's broker leaves it in `config`: `consumerOffset.json` and `consumerOrderInfo.json`, each with the file
// before it (`.bak`). Java: ConsumerOffsetManager, ConsumerOrderInfoManager.
import { type JavaJson, JsonFields } from '@rocketmq-ts/model'
import type { Files } from '@rocketmq-ts/runtime'
import type { KeptEntries } from './kept-entries.ts'
import { type OrderedDelivery, decodeOrderInfo } from './pop-records.ts'
import { attempt, readEither, tableOf } from './settings-files.ts'

export interface GroupOffset {
  readonly topic: string
  readonly group: string
  readonly queueId: number
  /** First offset that the group has not been given; of the revive group the last one that it has passed. */
  readonly offset: number
}

export interface OffsetFiles {
  readonly offsets: readonly GroupOffset[]
  readonly ordered: readonly OrderedDelivery[]
  /** Files and entries that could not be read, and why. */
  readonly rejected: readonly string[]
}

const QUEUE_ID = /^\d{1,10}$/

const OFFSETS = { name: 'consumerOffset.json', table: 'offsetTable' } as const

type Take = (
  queue: { readonly topic: string; readonly group: string; readonly queueId: number },
  value: JavaJson,
  fields: JsonFields,
) => void

/** Each queue of each topic@group of a table. */
function takeQueues(
  { name, table }: { readonly name: string; readonly table: string },
  members: Iterable<readonly [key: string, queues: JavaJson]>,
  rejected: string[],
  take: Take,
): void {
  for (const [key, queues] of members) {
    attempt(rejected, name, () => {
      const fields = new JsonFields(queues, `${table}.${key.slice(0, 128)}`)
      const at = key.indexOf('@')
      if (at <= 0 || at === key.length - 1) throw fields.wrong('key', 'topic@group')
      for (const [queueId, value] of fields.entries()) {
        attempt(rejected, name, () => {
          if (!QUEUE_ID.test(queueId)) throw fields.wrong(queueId, 'a queue id')
          take({ topic: key.slice(0, at), group: key.slice(at + 1), queueId: Number(queueId) }, value, fields)
        })
      }
    })
  }
}

function takeOffsets(into: GroupOffset[]): Take {
  return (queue, _value, fields) => {
    const offset = fields.integer(String(queue.queueId))
    if (offset >= 0) into.push({ ...queue, offset })
  }
}

/** Those that were kept for Apache's broker. */
export function offsetsKept(kept: Pick<KeptEntries, 'table'>): GroupOffset[] {
  const offsets: GroupOffset[] = []
  takeQueues(OFFSETS, kept.table(OFFSETS.name, OFFSETS.table), [], takeOffsets(offsets))
  return offsets
}

/** Reads both below `root`; missing ones hold nothing. */
export async function readOffsetFiles(files: Pick<Files, 'readWhole'>, root: string): Promise<OffsetFiles> {
  const rejected: string[] = []
  const offsets: GroupOffset[] = []
  const ordered: OrderedDelivery[] = []

  async function read(name: string, table: string, take: Take): Promise<void> {
    const json = await readEither(files, `${root}/config/${name}`, rejected)
    takeQueues({ name, table }, tableOf(json, name, table, rejected) ?? [], rejected, take)
  }

  await read(OFFSETS.name, OFFSETS.table, takeOffsets(offsets))
  await read('consumerOrderInfo.json', 'table', (queue, value) => {
    ordered.push(decodeOrderInfo(queue, value))
  })
  return { offsets, ordered, rejected }
}
