// rmq store repair: a sound copy of a stopped broker's folder. The folder itself is only read.
import { brokerCheckOwner } from '@rocketmq-ts/broker/check'
import { silentLogger } from '@rocketmq-ts/runtime'
import { checkStore, type RepairReport, repairStore } from '@rocketmq-ts/store'
import type { Context } from '../context.ts'
import { CliFailure, ExitCode } from '../failures.ts'
import { createProgress } from '../output/progress.ts'
import { countText } from '../output/text.ts'
import { withStoreFolder } from './store-folder.ts'

const RANGES_SHOWN = 20

export function storeRepair(context: Context, _options: object, folder: string, into: string): Promise<number> {
  return withStoreFolder(context, folder, async ({ path, files, clock, scheduler }) => {
    const to = context.host.absolutePath(into)
    if ((await files.list(to)).length > 0) {
      throw new CliFailure('not-checked', `${to} is not empty`, 'Name a folder that does not exist yet.')
    }
    const progress = createProgress(context.host.err, clock, 'copying')
    const report = await repairStore(
      { from: path, to, owner: brokerCheckOwner, onProgress: (done, total) => progress.at(done, total) },
      { files, clock, scheduler, logger: silentLogger },
    ).finally(() => progress.end())
    const { isSound, counts } = await checkStore({ folder: to, owner: brokerCheckOwner }, { files })
    if (context.printer.isJson) context.printer.document({ from: path, to, ...report, isSound, counts })
    else print(context, to, report, isSound)
    return isSound ? ExitCode.OK : ExitCode.FAILED
  })
}

function print({ printer }: Context, to: string, report: RepairReport, isSound: boolean): void {
  const { records, lost, leftOutBytes } = report
  for (const { from, to: end } of lost.slice(0, RANGES_SHOWN))
    printer.line(`lost: positions ${from} to ${end} of the log`)
  if (lost.length > RANGES_SHOWN) printer.line(`and ${countText(lost.length - RANGES_SHOWN, 'range')} more`)
  if (leftOutBytes > 0) printer.line(`left out: ${countText(leftOutBytes, 'byte')} behind the end of the log`)
  printer.line(`${countText(records, 'record')} copied to ${to}.`)
  if (isSound) printer.line(printer.styled('green', 'The copy is sound.'))
  else printer.warning(`the copy still has faults: rmq store check ${to}`)
}
