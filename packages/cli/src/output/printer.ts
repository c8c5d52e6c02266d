// Where commands say what they found: tables for people, JSON for programs, remarks on standard error for both.
import { styleText } from 'node:util'
import type { Host, Output } from '../host.ts'
import { type Cell, type Column, fieldLines, tableLines } from './table.ts'
import { jsonText, printable } from './text.ts'

type Style = 'bold' | 'dim' | 'green' | 'yellow' | 'red'

export interface Printer {
  /** --json: one document, or a line per message. */
  readonly isJson: boolean
  /** The one document of a command. */
  document(value: unknown): void
  /** One of many, on a line of its own. */
  jsonLine(value: unknown): void
  line(text?: string): void
  table(columns: readonly Column[], rows: readonly (readonly Cell[])[]): void
  fields(fields: readonly (readonly [name: string, value: Cell])[]): void
  /** Beside the result, on standard error. */
  remark(text: string): void
  /** What went wrong without ending the command, on standard error. */
  warning(text: string): void
  styled(style: Style, text: string): string
}

export function createPrinter(host: Pick<Host, 'out' | 'err'>, isJson: boolean): Printer {
  const { out, err } = host
  const styledFor = (output: Output) => (style: Style, text: string) =>
    output.isColoured ? styleText(style, text, { validateStream: false }) : text
  const styled = styledFor(out)
  const title = (text: string): string => styled('bold', text)
  const lines = (all: readonly string[]): void => out.write(`${all.join('\n')}\n`)
  const safe = (cell: Cell): Cell => (typeof cell === 'string' ? printable(cell) : cell)

  return {
    isJson,
    document: (value) => out.write(`${jsonText(value, 2)}\n`),
    jsonLine: (value) => out.write(`${jsonText(value)}\n`),
    line: (text = '') => out.write(`${text}\n`),
    table: (columns, rows) =>
      lines(
        tableLines(
          columns,
          rows.map((row) => row.map(safe)),
          { title },
        ),
      ),
    fields: (fields) =>
      lines(
        fieldLines(
          fields.map(([name, value]) => [name, safe(value)]),
          { title },
        ),
      ),
    remark: (text) => err.write(`${styledFor(err)('dim', printable(text))}\n`),
    warning: (text) => err.write(`${styledFor(err)('yellow', 'rmq:')} ${printable(text)}\n`),
    styled,
  }
}
