// rmq store export: the messages of a stopped broker in a file of their own.
import { brokerCheckOwner } from '@rocketmq-ts/broker/check'
import { isSystemTopic } from '@rocketmq-ts/model'
import { exportStore } from '@rocketmq-ts/store'
import type { Context } from '../context.ts'
import { CliFailure, ExitCode } from '../failures.ts'
import { createProgress } from '../output/progress.ts'
import { countText } from '../output/text.ts'
import { createExportWriter, type ExportFormat } from './export-file.ts'
import { withStoreFolder } from './store-folder.ts'

export interface StoreExportOptions {
  readonly topic?: string
  readonly format?: ExportFormat
}

export function storeExport(
  context: Context,
  { topic: wanted, format = 'jsonl' }: StoreExportOptions,
  folder: string,
  into: string,
): Promise<number> {
  return withStoreFolder(context, folder, async (store) => {
    const { printer, host } = context
    const path = host.absolutePath(into)
    const existing = await store.files.readWhole(path, 0).catch(() => new Uint8Array(1))
    if (existing !== undefined)
      throw new CliFailure('not-checked', `${path} exists`, 'Name a file that does not exist yet.')
    const file = await store.files.open(path, 'create')
    const progress = createProgress(host.err, store.clock, 'exporting')
    try {
      const writer = createExportWriter(file, format)
      let messages = 0
      const { end, damaged } = await exportStore(
        {
          folder: store.path,
          owner: brokerCheckOwner,
          isWanted: (topic) => (wanted === undefined ? !isSystemTopic(topic) : topic === wanted),
          onMessage(record) {
            messages += 1
            writer.add(record)
          },
          onProgress: (done, total) => progress.at(done, total),
        },
        store,
      )
      const bytes = await writer.end(end)
      progress.end()
      if (printer.isJson) printer.document({ file: path, format, messages, bytes, upTo: end, damaged })
      else printer.line(`${countText(messages, 'message')} in ${path}, up to position ${end} of the log.`)
      if (damaged.length > 0) printer.warning('parts of the log are damaged and left out: rmq store check names them')
      return ExitCode.OK
    } finally {
      progress.end()
      await file.close()
    }
  })
}
