// Tables of Markdown with aligned columns: readable on a terminal as they are.

/** Lines of the table. Columns whose cells all begin with a digit or a dash are aligned to the right. */
export function tableOf(columns: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const isNumber = columns.map((_, at) => rows.every((row) => /^[\d–]/.test(row[at] ?? '')))
  const widths = columns.map((name, at) => Math.max(3, ...[name, ...rows.map((row) => row[at] ?? '')].map(widthOf)))
  const lineOf = (cells: readonly string[]) => `| ${cells.map((cell, at) => padded(cell, at)).join(' | ')} |`

  function padded(cell: string, at: number): string {
    const fill = ' '.repeat((widths[at] ?? 0) - widthOf(cell))
    return isNumber[at] === true ? fill + cell : cell + fill
  }

  const rule = widths.map((width, at) => (isNumber[at] === true ? `${'-'.repeat(width - 1)}:` : '-'.repeat(width)))
  return [lineOf(columns), `| ${rule.join(' | ')} |`, ...rows.map(lineOf)]
}

/** Of text within the basic plane, as all of ours is. */
function widthOf(text: string): number {
  return text.length
}
