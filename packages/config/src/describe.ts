// What people read of a schema and of a configuration: the help, and the effective settings in three forms. Secrets are
// masked in all of them.
import type { MemoryPlan } from './memory-budget.ts'
import type { Origins } from './parse-config.ts'
import { writeProperty } from './properties-text.ts'
import type { NamedSetting, ReadableSchema } from './schema.ts'
import { formatBytes } from './setting.ts'

const MASK = '***'

/** The settings as lines for `--help`: flag, shape, help, default, environment name. */
export function describeConfig({ named }: Pick<ReadableSchema<never>, 'named'>): string {
  return named
    .map(({ flag, env, setting }) => {
      const name = setting.isSwitch ? `--${flag}` : `--${flag} <${setting.shape}>`
      return `  ${name}\n      ${setting.help} (${presetOf(setting)}; ${env})`
    })
    .join('\n')
}

function presetOf(setting: NamedSetting['setting']): string {
  if (setting.default === undefined) return 'required'
  return setting.default === '' ? 'not set by default' : `default ${setting.write(setting.default)}`
}

/** A configuration that was read, with where its values are from. */
export interface EffectiveConfig<C> {
  readonly schema: ReadableSchema<C>
  readonly config: Readonly<C>
  readonly origins: Origins
  readonly memory?: MemoryPlan
}

interface Line {
  readonly named: NamedSetting
  /** The mask for a secret. */
  readonly value: unknown
  readonly text: string
  readonly origin: string
}

function linesOf<C>({ schema, config, origins }: EffectiveConfig<C>): Line[] {
  return schema.named.map((named) => {
    const value = named.key.split('.').reduce<unknown>((at, key) => (at as Record<string, unknown>)[key], config)
    const origin = origins.get(named.key) ?? 'default'
    if (named.setting.isSecret && value !== '') return { named, value: MASK, text: MASK, origin }
    return { named, value, text: named.setting.write(value), origin }
  })
}

/** For a terminal: name, value and origin in columns, then the memory plan. */
export function formatConfigTable<C>(effective: EffectiveConfig<C>): string {
  const lines = linesOf(effective)
  const nameWidth = Math.max(...lines.map(({ named }) => named.property.length))
  const textWidth = Math.min(VALUE_WIDTH_MAX, Math.max(...lines.map(({ text }) => text.length)))
  const settings = lines.map(
    ({ named, text, origin }) => `${named.property.padEnd(nameWidth)}  ${text.padEnd(textWidth)}  ${origin}`,
  )
  return [...settings, '', ...memoryLines(effective.memory)].join('\n').trimEnd()
}

const VALUE_WIDTH_MAX = 40

/** A file of properties that gives the same configuration; secrets are left out of it, as comments. */
export function formatConfigProperties<C>(effective: EffectiveConfig<C>): string {
  const settings = linesOf(effective).map(({ named, text, origin }) => {
    const line = writeProperty(named.property, text)
    return `# ${origin}\n${text === MASK && named.setting.isSecret ? `# ${line} (masked)` : line}`
  })
  return [...settings, ...memoryLines(effective.memory).map((line) => `# ${line}`)].join('\n')
}

/** For programs. Values have the types of the configuration. */
export function formatConfigJson<C>(effective: EffectiveConfig<C>): string {
  const settings = Object.fromEntries(
    linesOf(effective).map(({ named, value, origin }) => [named.property, { value, origin }]),
  )
  return JSON.stringify({ settings, ...(effective.memory === undefined ? {} : { memory: effective.memory }) }, null, 2)
}

function memoryLines(plan: MemoryPlan | undefined): string[] {
  if (plan === undefined) return []
  const { limit, budgetBytes, shares } = plan
  const width = Math.max(...shares.map(({ name }) => name.length))
  return [
    `Memory: the ${limit.from} allows ${mebibytes(limit.bytes)}, of which the heap ${mebibytes(limit.heapBytes)}; ` +
      `the budget is ${mebibytes(budgetBytes)}`,
    ...shares.map(({ name, bytes, what }) => `  ${name.padEnd(width)}  ${mebibytes(bytes).padStart(8)}  ${what}`),
  ]
}

const MIB = 1024 * 1024

function mebibytes(bytes: number): string {
  return formatBytes(bytes < MIB ? bytes : Math.floor(bytes / MIB) * MIB)
}
