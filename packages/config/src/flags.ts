// A command line as names and texts. What can not be read is a fault, not a guess.
import type { ConfigFault } from './fault.ts'
import type { ConfigSchema, Settings } from './schema.ts'

/** A text with where it came from. */
export interface GivenText {
  readonly text: string
  /** Line of a file, place on a command line; 0 in the environment. */
  readonly at: number
}

export interface FlagsReading {
  /** By the name without dashes. */
  readonly values: ReadonlyMap<string, GivenText>
  readonly faults: readonly ConfigFault[]
}

const FLAG = /^--([a-zA-Z0-9][a-zA-Z0-9.-]*)(?:=(.*))?$/s

/** `--name value`, `--name=value`; switches also `--name` and `--no-name`. A name given twice is a fault. */
export function readFlags(schema: Pick<ConfigSchema<Settings>, 'named'>, argv: readonly string[]): FlagsReading {
  const known = new Set(schema.named.map(({ flag }) => flag))
  const switches = new Set(schema.named.filter(({ setting }) => setting.isSwitch).map(({ flag }) => flag))
  const values = new Map<string, GivenText>()
  const faults: ConfigFault[] = []

  const fault = (at: number, source: string, reason: string, remedy?: string) =>
    faults.push({ kind: 'flags', at, source, reason, ...(remedy === undefined ? {} : { remedy }) })
  const take = (name: string, text: string, at: number) => {
    if (values.has(name)) fault(at, `--${name}`, 'is given twice', 'keep one')
    else values.set(name, { text, at })
  }

  for (let at = 0; at < argv.length; at += 1) {
    const word = argv[at] ?? ''
    const [, name, text] = FLAG.exec(word) ?? []
    const next = argv[at + 1]
    if (name === undefined)
      fault(at, word, 'is not a flag; flags begin with --', remedyOf(word, argv[at - 1], switches))
    else if (text !== undefined) take(name, text, at)
    else if (switches.has(name)) take(name, 'true', at)
    else if (isNegation(name, switches)) take(positiveOf(name), 'false', at)
    else if (next !== undefined && !next.startsWith('--')) {
      take(name, next, at)
      at += 1
    } else if (known.has(name)) fault(at, `--${name}`, 'needs a value')
    else take(name, '', at)
  }
  return { values, faults }
}

/** `--name false` is a switch that was given a value. */
function remedyOf(word: string, before: string | undefined, switches: ReadonlySet<string>): string | undefined {
  const isSwitch = before?.startsWith('--') === true && switches.has(before.slice('--'.length))
  return isSwitch && /^(?:true|false)$/i.test(word) ? `write ${before}=${word.toLowerCase()}` : undefined
}

/** `no-name`; of a part `broker.no-name`. */
function isNegation(name: string, switches: ReadonlySet<string>): boolean {
  return /(?:^|\.)no-/.test(name) && switches.has(positiveOf(name))
}

function positiveOf(name: string): string {
  return name.replace(/(^|\.)no-/, '$1')
}
