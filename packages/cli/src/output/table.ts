// Tables as lines of text: columns as wide as their widest cell, two spaces between, numbers to the right. Nothing is
// cut: a name that is not complete can not be copied.

export interface Column {
  readonly title: string
  readonly align?: 'left' | 'right'
}

export type Cell = string | number

export interface TableStyle {
  /** Of the title line. */
  readonly title: (text: string) => string
}

/** The title line and one line per row; every row has a cell per column. Cells hold no line feed. */
export function tableLines(
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  style: TableStyle = { title: (text) => text },
): string[] {
  const texts = rows.map((row) => row.map(String))
  const widths = columns.map(({ title }, index) =>
    texts.reduce((width, row) => Math.max(width, lengthOf(row[index] ?? '')), lengthOf(title)),
  )
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, index) => padded(cell, widths[index] ?? 0, columns[index]?.align ?? 'left'))
      .join('  ')
      .trimEnd()
  return [style.title(line(columns.map(({ title }) => title))), ...texts.map(line)]
}

/** Names and values in two columns. */
export function fieldLines(
  fields: readonly (readonly [name: string, value: Cell])[],
  style: TableStyle = { title: (text) => text },
): string[] {
  const width = Math.max(0, ...fields.map(([name]) => lengthOf(name)))
  return fields.map(([name, value]) => `${style.title(padded(name, width, 'left'))}  ${value}`.trimEnd())
}

function padded(cell: string, width: number, align: 'left' | 'right'): string {
  const padding = ' '.repeat(Math.max(0, width - lengthOf(cell)))
  return align === 'right' ? padding + cell : cell + padding
}

/** In characters, not in UTF-16 units. */
function lengthOf(text: string): number {
  return Array.from(text).length
}
