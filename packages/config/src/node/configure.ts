// The beginning of every service: reads its settings from where they are given, and does what `--check-config` and its
// like ask for. Until it says 'run', no port is opened and no folder touched.
import { closeSync, openSync, readSync } from 'node:fs'
import { COMMAND_LINE_HELP, readCommandLine } from '../command-line.ts'
import { CONFIG_FILE_BYTES_MAX, type ConfigFile, readConfigFile } from '../config-file.ts'
import {
  describeConfig,
  type EffectiveConfig,
  formatConfigJson,
  formatConfigProperties,
  formatConfigTable,
} from '../describe.ts'
import { type ConfigFault, formatFaults, sortFaults } from '../fault.ts'
import { readFlags } from '../flags.ts'
import type { MemoryLimit, MemoryPlan } from '../memory-budget.ts'
import { type Origins, parseConfig } from '../parse-config.ts'
import type { ReadableSchema } from '../schema.ts'
import { readMemoryLimit } from './memory-limit.ts'

export interface ConfigureOptions<C> {
  /** Says what this is, in the first line of the help, before the version. */
  readonly title: string
  readonly version: string
  readonly schema: ReadableSchema<C>
  /** Variable that names the file where no flag does. */
  readonly configFileEnv: string
  /** Arguments without the names of program and script. */
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  /** Bounds that follow from the configuration and the limit of the container or machine. */
  readonly memory: (config: Readonly<C>, limit: MemoryLimit) => MemoryPlan
  /** Faults that show only where the configuration points to, such as a certificate that can not be read. */
  readonly verify?: (config: Readonly<C>) => Promise<readonly ConfigFault[]>
  /** In place of the help made from the schema; undefined for a subject that is unknown. */
  readonly help?: (about: string) => string | undefined
  /** What was asked for: on standard output. */
  readonly print: (text: string) => void
  /** Faults, for people: on standard error. */
  readonly tell: (text: string) => void
  /** Standard output is a terminal. */
  readonly isTerminal: boolean
}

/** The service runs with these settings, or the process ends with this code: 0 done, 2 for faults. */
export type Configured<C> =
  | {
      readonly config: Readonly<C>
      readonly origins: Origins
      readonly memory: MemoryPlan
      /** Each a sentence for the log. */
      readonly warnings: readonly string[]
    }
  | { readonly exitCode: number }

/** Reads the configuration; prints and checks it where that is asked for. */
export async function configure<C>(options: ConfigureOptions<C>): Promise<Configured<C>> {
  const { schema, configFileEnv, argv, print, tell } = options
  const line = readCommandLine(argv)
  if (line.action === 'help') return showHelp(options, line.helpAbout)
  if (line.action === 'version') {
    print(options.version)
    return { exitCode: 0 }
  }
  const { [configFileEnv]: fileFromEnv, ...env } = options.env
  const path = line.configFile ?? fileFromEnv
  const file =
    path === undefined ? undefined : readFile(path, line.configFile === undefined ? configFileEnv : undefined)
  const flags = readFlags(schema, line.settings)
  const result = parseConfig(schema, { flags, env, ...(file === undefined ? {} : { file }) })
  const warnings = result.warnings.map((warning) => formatFaults([warning]))
  const faults = [...line.faults, ...(result.ok ? ((await options.verify?.(result.config)) ?? []) : result.faults)]
  const tellWarnings = () => warnings.forEach((warning) => tell(`warning: ${warning}`))
  if (!result.ok || faults.length > 0) {
    if (line.action !== 'run') tellWarnings()
    tell(`${formatFaults(sortFaults(faults))}\nNothing was started. --help shows all settings.`)
    return { exitCode: 2 }
  }
  const { config, origins } = result
  const memory = options.memory(config, readMemoryLimit())
  if (memory.budgetBytes > memory.limit.bytes) {
    const { limit, budgetBytes } = memory
    warnings.push(`memoryBudget: ${budgetBytes} bytes are more than the ${limit.from} allows, ${limit.bytes}`)
  }
  if (line.action === 'run') return { config, origins, memory, warnings }
  tellWarnings()
  if (line.action === 'check') print('the configuration is valid')
  else print(formOf(line.json, options.isTerminal)({ schema, config, origins, memory }))
  return { exitCode: 0 }
}

function formOf(json: boolean, isTerminal: boolean): <C>(effective: EffectiveConfig<C>) => string {
  if (json) return formatConfigJson
  return isTerminal ? formatConfigTable : formatConfigProperties
}

function showHelp<C>(
  { title, version, schema, help, print, tell }: ConfigureOptions<C>,
  about: string,
): { exitCode: number } {
  const text =
    help === undefined ? `${title} ${version}\n\n${describeConfig(schema)}\n${COMMAND_LINE_HELP}` : help(about)
  if (text === undefined) {
    tell(`there is no help about ${about}`)
    return { exitCode: 2 }
  }
  print(text)
  return { exitCode: 0 }
}

function readFile(path: string, variable: string | undefined): ConfigFile {
  try {
    return readConfigFile(path, readBounded(path, CONFIG_FILE_BYTES_MAX + 1))
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    const fault = { at: 0, reason, remedy: 'name a file that can be read' }
    const source = variable ?? '--config-file'
    const kind = variable === undefined ? 'flags' : 'environment'
    return { name: path, entries: [], faults: [{ ...fault, kind, source }] }
  }
}

/** The first bytes of a file, also of one without an end. */
function readBounded(path: string, bytesMax: number): Uint8Array {
  const content = Buffer.alloc(bytesMax)
  const file = openSync(path, 'r')
  try {
    let length = 0
    for (let read = -1; read !== 0 && length < bytesMax; length += read) {
      read = readSync(file, content, length, bytesMax - length, null)
    }
    return content.subarray(0, length)
  } finally {
    closeSync(file)
  }
}
