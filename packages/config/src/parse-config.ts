// From texts to a frozen configuration, or to every fault at once. Pure: the caller reads argv, environment and files.
import assert from 'node:assert'
import type { ConfigOf, ConfigSchema, NamedSetting, Settings } from './schema.ts'

/** Where the texts come from, the first that names a setting wins: flags, then env, then properties. */
export interface ConfigSources {
  /** Names without dashes, as `readFlags` gives them. */
  readonly flags?: ReadonlyMap<string, string>
  /** The environment; only names of the schema, or with its prefix, are looked at. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** An Apache properties file, as `readProperties` gives it. */
  readonly properties?: ReadonlyMap<string, string>
}

/** One thing wrong: the flag, variable or property as the user wrote it, and why it can not be taken. */
export interface ConfigFault {
  readonly source: string
  readonly reason: string
}

export type ConfigResult<C> =
  | { readonly ok: true; readonly config: Readonly<C> }
  | { readonly ok: false; readonly faults: readonly ConfigFault[] }

/** Reads every setting of the schema. Unknown names are faults, so a typo never passes as a default. */
export function parseConfig<T extends Settings>(
  schema: ConfigSchema<T>,
  sources: ConfigSources,
): ConfigResult<ConfigOf<ConfigSchema<T>>> {
  const { flags = new Map(), env = {}, properties = new Map() } = sources
  const faults = unknownNames(schema.named, schema.envPrefix, { flags, env, properties })
  const config: Record<string, unknown> = {}
  for (const named of schema.named) {
    const given = firstGiven(named, { flags, env, properties })
    if (given === undefined) {
      if (named.setting.default !== undefined) config[named.key] = named.setting.default
      else faults.push({ source: `--${named.flag}`, reason: `is required (or ${named.env})` })
      continue
    }
    const reading = named.setting.read(given.text)
    if (reading.ok) config[named.key] = reading.value
    else faults.push({ source: given.source, reason: reading.reason })
  }
  if (faults.length > 0) return { ok: false, faults }
  return { ok: true, config: Object.freeze(config) as ConfigOf<ConfigSchema<T>> }
}

/** The configuration of somebody who sets nothing, for a schema in which every setting has a default. */
export function defaultConfig<T extends Settings>(schema: ConfigSchema<T>): Readonly<ConfigOf<ConfigSchema<T>>> {
  const result = parseConfig(schema, {})
  assert(result.ok, 'a setting has no default')
  return result.config
}

/** Faults as lines for a person, one each. */
export function formatFaults(faults: readonly ConfigFault[]): string {
  return faults.map(({ source, reason }) => `${source}: ${reason}`).join('\n')
}

type Given = Required<ConfigSources>

function firstGiven(
  named: NamedSetting,
  { flags, env, properties }: Given,
): { source: string; text: string } | undefined {
  const flag = flags.get(named.flag)
  if (flag !== undefined) return { source: `--${named.flag}`, text: flag }
  const variable = env[named.env]
  if (variable !== undefined) return { source: named.env, text: variable }
  const property = properties.get(named.property)
  return property === undefined ? undefined : { source: named.property, text: property }
}

function unknownNames(named: readonly NamedSetting[], envPrefix: string, given: Given): ConfigFault[] {
  const flags = named.map((one) => one.flag)
  const variables = named.map((one) => one.env)
  const properties = named.map((one) => one.property)
  return [
    ...[...given.flags.keys()]
      .filter((name) => !flags.includes(name))
      .map((name) =>
        unknown(
          `--${name}`,
          flags.map((flag) => `--${flag}`),
        ),
      ),
    ...Object.keys(given.env)
      .filter((name) => name.startsWith(envPrefix) && !variables.includes(name))
      .map((name) => unknown(name, variables)),
    ...[...given.properties.keys()]
      .filter((name) => !properties.includes(name))
      .map((name) => unknown(name, properties)),
  ]
}

const SUGGESTION_DISTANCE_MAX = 3

function unknown(source: string, known: readonly string[]): ConfigFault {
  const near = known
    .map((name) => ({ name, distance: editDistance(source, name) }))
    .filter(({ distance }) => distance <= SUGGESTION_DISTANCE_MAX)
    .sort((a, b) => a.distance - b.distance)[0]
  return { source, reason: near === undefined ? 'is not a setting' : `is not a setting; is ${near.name} meant?` }
}

/** Levenshtein distance; lengths that differ by more than the limit are not compared. */
function editDistance(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > SUGGESTION_DISTANCE_MAX) return Infinity
  let above = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let row = 1; row <= a.length; row += 1) {
    const current = [row]
    for (let column = 1; column <= b.length; column += 1) {
      const replaced = (above[column - 1] ?? 0) + (a[row - 1] === b[column - 1] ? 0 : 1)
      current.push(Math.min(replaced, (above[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1))
    }
    above = current
  }
  return above[b.length] ?? Infinity
}
