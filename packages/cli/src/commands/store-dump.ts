// rmq store dump: the records of a stopped broker's log, as lines for people or JSON lines for programs.
import { brokerCheckOwner } from '@rocketmq-ts/broker/check'
import { createRecordPeek, peekRecord } from '@rocketmq-ts/model'
import { type ScannedRecord, walkLog } from '@rocketmq-ts/store'
import type { Context } from '../context.ts'
import { CliFailure, ExitCode } from '../failures.ts'
import { countText } from '../output/text.ts'
import { recordDocument, recordLine } from './record-document.ts'
import { type StoreFolder, withStoreFolder } from './store-folder.ts'

export interface StoreDumpOptions {
  readonly topic?: string
  readonly queue?: number
  readonly offset?: number
  readonly position?: number
  readonly max?: number
  readonly base64?: boolean
}

export function storeDump(context: Context, options: StoreDumpOptions, folder: string): Promise<number> {
  if (options.offset !== undefined && (options.topic === undefined || options.queue === undefined)) {
    throw new CliFailure('usage', '--offset counts within one queue: name it with --topic and --queue')
  }
  return withStoreFolder(context, folder, (store) => dump(context, options, store))
}

async function dump({ printer, host }: Context, options: StoreDumpOptions, store: StoreFolder): Promise<number> {
  const { max = Infinity } = options
  const topic = options.topic === undefined ? undefined : Buffer.from(options.topic)
  let shown = 0

  function isWanted({ bytes, peek }: ScannedRecord): boolean {
    if (options.queue !== undefined && peek.queueId !== options.queue) return false
    if (peek.queueOffset < (options.offset ?? 0)) return false
    const { topicAt, topicLength } = peek
    if (topic === undefined) return true
    return topicLength === topic.length && bytes.compare(topic, 0, topicLength, topicAt, topicAt + topicLength) === 0
  }

  if (options.position !== undefined) await checkPosition(store, options.position)
  const { decision } = await walkLog(
    {
      folder: store.path,
      owner: brokerCheckOwner,
      from: options.position,
      onRecord(record) {
        if (!isWanted(record)) return !host.interrupted.aborted
        const document = recordDocument(record, options.base64 === true)
        if (printer.isJson) printer.jsonLine(document)
        else printer.line(recordLine(document))
        shown += 1
        return shown < max && !host.interrupted.aborted
      },
    },
    store,
  )
  const { damagedBytes: lost } = decision
  if (lost > 0) printer.warning(`${countText(lost, 'byte')} of the log are damaged: rmq store check names them`)
  if (!printer.isJson) printer.remark(`${countText(shown, 'record')}.`)
  return host.interrupted.aborted ? ExitCode.INTERRUPTED : ExitCode.OK
}

/** A walk begins at a record, or everything behind would look damaged. */
async function checkPosition({ files, path }: StoreFolder, position: number): Promise<void> {
  const { segmentBytes, bytes } = await headAt(files, path, position)
  const peek = createRecordPeek()
  const kind = bytes.length < 36 ? 'invalid' : peekRecord(bytes, 0, peek)
  const isRecord = kind !== 'invalid' && Number(bytes.readBigInt64BE(28)) === position
  if (isRecord || position % segmentBytes === 0) return
  throw new CliFailure(
    'usage',
    `--position ${position}: no record begins there`,
    'Positions are in the dump itself, and in units.',
  )
}

async function headAt(files: StoreFolder['files'], path: string, position: number) {
  const names = (await files.list(`${path}/commitlog`)).map(({ name }) => name).filter((name) => /^\d{20}$/.test(name))
  const name = names.findLast((each) => Number(each) <= position)
  if (name === undefined) return { segmentBytes: Infinity, bytes: Buffer.alloc(0) }
  const file = await files.open(`${path}/commitlog/${name}`, 'read')
  try {
    const bytes = Buffer.alloc(36)
    const count = await file.read(position - Number(name), bytes)
    return { segmentBytes: await file.size(), bytes: bytes.subarray(0, count) }
  } finally {
    await file.close()
  }
}
