// rmq store check: reads a stopped broker's folder and tells of everything that is not as it was written.
import { brokerCheckOwner } from '@rocketmq-ts/broker/check'
import { type CheckReport, checkStore, type Finding } from '@rocketmq-ts/store'
import type { Context } from '../context.ts'
import { ExitCode } from '../failures.ts'
import { createProgress } from '../output/progress.ts'
import { compareText, countText } from '../output/text.ts'
import { withStoreFolder } from './store-folder.ts'

const MiB = 1024 * 1024

export function storeCheck(context: Context, _options: object, folder: string): Promise<number> {
  return withStoreFolder(context, folder, async ({ path, files, clock }) => {
    const progress = createProgress(context.host.err, clock, 'reading the log')
    const startedMs = clock.monotonicMs()
    const report = await checkStore(
      { folder: path, owner: brokerCheckOwner, onProgress: (done, total) => progress.at(done, total) },
      { files },
    ).finally(() => progress.end())
    const tookMs = Math.round(clock.monotonicMs() - startedMs)
    if (context.printer.isJson) context.printer.document({ ...report, tookMs })
    else print(context, report, tookMs)
    return report.isSound ? ExitCode.OK : ExitCode.FAILED
  })
}

function print({ printer }: Context, report: CheckReport, tookMs: number): void {
  const { log, findings, severities } = report
  if (findings.length > 0) {
    printer.table(COLUMNS, findings.map(rowOf))
    printer.line()
    for (const remedy of remediesOf(findings)) printer.line(remedy)
    if (report.more > 0) printer.line(`${countText(report.more, 'more finding')} of these kinds not shown.`)
    printer.line()
  }
  printer.fields([
    ['folder', report.folder],
    ['last stop', report.cleanStop ? 'in order' : 'without notice'],
    ['log', `${log.from} … ${log.end}, ${countText(log.records, 'record')}`],
    ['queues', `${report.queues}, ${countText(report.units, 'unit')}`],
    ['segments of', `${report.segmentBytes} bytes`],
    ['took', `${tookMs} ms, ${Math.round((log.bytes / MiB / Math.max(1, tookMs)) * 1000)} MiB/s`],
  ])
  if (report.unchecked.length > 0) printer.remark(`Not known, not checked: ${report.unchecked.join(', ')}`)
  const faults = severities.error + severities.warning
  printer.line()
  printer.line(
    faults === 0
      ? printer.styled('green', 'Sound.')
      : printer.styled(
          'red',
          `${countText(faults, 'fault')}: ${countText(severities.error, 'error')}, ${countText(severities.warning, 'warning')}.`,
        ),
  )
}

const COLUMNS = [
  { title: 'SEVERITY' },
  { title: 'KIND' },
  { title: 'FILE' },
  { title: 'AT', align: 'right' },
  { title: 'PROBLEM' },
] as const

function rowOf({ severity, kind, file, at, problem }: Finding) {
  return [severity, kind, file, at ?? '-', problem]
}

/** Each remedy once, with the kinds that it is for. */
function remediesOf(findings: readonly Finding[]): string[] {
  const remedies = new Map(findings.map(({ kind, remedy }) => [kind, remedy]))
  return [...remedies].sort(([a], [b]) => compareText(a, b)).map(([kind, remedy]) => `${kind}: ${remedy}.`)
}
