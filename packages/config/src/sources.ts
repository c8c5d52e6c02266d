// The two textual sources: a command line and an Apache properties file. What can not be read is a fault, not a guess.
import type { ConfigFault } from './parse-config.ts'
import type { ConfigSchema, Settings } from './schema.ts'

export interface SourceReading {
  readonly values: ReadonlyMap<string, string>
  readonly faults: readonly ConfigFault[]
}

/** `--name value`, `--name=value`; switches also `--name` and `--no-name`. A name given twice is a fault. */
export function readFlags(schema: ConfigSchema<Settings>, argv: readonly string[]): SourceReading {
  const switches = new Set(schema.named.filter(({ setting }) => setting.isSwitch).map(({ flag }) => flag))
  const values = new Map<string, string>()
  const faults: ConfigFault[] = []
  const take = (name: string, value: string) => {
    if (values.has(name)) faults.push({ source: `--${name}`, reason: 'is given twice' })
    values.set(name, value)
  }
  for (let at = 0; at < argv.length; at += 1) {
    const word = argv[at] ?? ''
    const match = /^--([a-zA-Z0-9][a-zA-Z0-9-]*)(?:=(.*))?$/s.exec(word)
    const name = match?.[1]
    if (match === null || name === undefined) {
      faults.push({ source: word, reason: 'is not a flag; flags begin with --' })
      continue
    }
    const next = argv[at + 1]
    if (match[2] !== undefined) take(name, match[2])
    else if (switches.has(name)) take(name, 'true')
    else if (name.startsWith('no-') && switches.has(name.slice(3))) take(name.slice(3), 'false')
    else if (next !== undefined && !next.startsWith('--')) {
      take(name, next)
      at += 1
    } else if (schema.named.some(({ flag }) => flag === name)) {
      faults.push({ source: `--${name}`, reason: 'needs a value' })
    } else take(name, '')
  }
  return { values, faults }
}

/** `name=value` lines of Java's properties format as Apache's files use it: `#` and `!` begin comments. */
export function readProperties(content: string): SourceReading {
  const values = new Map<string, string>()
  const faults: ConfigFault[] = []
  for (const [index, line] of content.split(/\r?\n/).entries()) {
    const trimmed = line.trim()
    if (trimmed === '' || trimmed.startsWith('#') || trimmed.startsWith('!')) continue
    const match = /^([^\s=:]+)\s*[=:]\s*(.*)$/.exec(trimmed)
    if (match === null) faults.push({ source: `line ${index + 1}`, reason: 'is not name=value' })
    else values.set(match[1] ?? '', match[2] ?? '')
  }
  return { values, faults }
}
