// A JSON log line as a person likes to read it: time, level, event, then the fields. Control characters stay escaped,
// so that no field can forge a line.
import { styleText } from 'node:util'

type Colour = Parameters<typeof styleText>[0]

const LEVEL_COLOURS: Readonly<Record<string, Colour>> = {
  trace: 'gray',
  debug: 'gray',
  info: 'green',
  warn: 'yellow',
  error: 'red',
}
const PLAIN_VALUE = /^[\w.:/@%+,-]+$/u

function formatValue(value: unknown): string {
  if (typeof value === 'string' && PLAIN_VALUE.test(value)) return value
  return JSON.stringify(value)
}

function stackOf(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || !('stack' in value)) return undefined
  const lines = String(value.stack).split('\n')
  return lines.map((line) => `    ${JSON.stringify(line).slice(1, -1).trim()}`).join('\n')
}

/** `line` is what pino writes; anything else passes unchanged. `colours` for terminals. */
export function formatLogLine(line: string, colours: boolean): string {
  let parsed: Record<string, unknown>
  try {
    parsed = JSON.parse(line) as Record<string, unknown>
  } catch {
    return line
  }
  const paint = (colour: Colour, text: string): string =>
    colours ? styleText(colour, text, { validateStream: false }) : text
  const { level, time, event, ...fields } = parsed
  const label = String(level)
  const parts = [
    paint('gray', String(time).slice(11, 23)),
    paint(LEVEL_COLOURS[label] ?? 'white', label.padEnd(5)),
    paint('bold', formatValue(event)),
  ]
  const stacks: string[] = []
  for (const [name, value] of Object.entries(fields)) {
    const stack = stackOf(value)
    if (stack === undefined) parts.push(`${paint('gray', `${name}=`)}${formatValue(value)}`)
    else stacks.push(stack)
  }
  return `${[parts.join(' '), ...stacks].join('\n')}\n`
}
