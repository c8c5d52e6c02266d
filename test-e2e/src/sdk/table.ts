// The table of features by language, as text for a terminal.

export interface Table {
  readonly columns: readonly string[]
  readonly rows: readonly { readonly title: string; readonly cells: readonly string[] }[]
}

/** Columns as wide as their content; what is longer than a word becomes a number and a line below the table. */
export function formatTable({ columns, rows }: Table): string {
  const notes: string[] = []
  const shorten = (cell: string): string => {
    if (!cell.includes(' ')) return cell
    if (!notes.includes(cell)) notes.push(cell)
    return `${cell.startsWith('none: ') ? '-' : 'FAILED'} [${notes.indexOf(cell) + 1}]`
  }
  const lines = [['', ...columns], ...rows.map(({ title, cells }) => [title, ...cells.map(shorten)])]
  const widths = [0, ...columns].map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)))
  const text = lines.map((line) =>
    line
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
  return [...text, '', ...notes.map((note, index) => `[${index + 1}] ${note.replace(/^none: /, '')}`)].join('\n')
}
