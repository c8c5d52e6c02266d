// From texts to a frozen configuration, or to every fault at once. Pure: the caller reads argv, environment and files.
// Invariant: each text of each source is read and judged, also one that a stronger source overrules.
import assert from 'node:assert'
import type { ConfigFile } from './config-file.ts'
import { type ConfigFault, type SourceKind, sortFaults } from './fault.ts'
import type { FlagsReading } from './flags.ts'
import { judgeForeign } from './foreign-settings.ts'
import { nearestName } from './nearest-name.ts'
import type { NamedSetting, ReadableSchema } from './schema.ts'

/** Where the texts come from, the first that names a setting wins: flags, then the environment, then the file. */
export interface ConfigSources {
  readonly flags?: FlagsReading
  /** Only names of the schema, or with one of its prefixes, are looked at. */
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly file?: ConfigFile
}

/** Where a value is from: a source as faults name it, or 'default'. */
export type Origins = ReadonlyMap<string, string>

export type ConfigResult<C> =
  | {
      readonly ok: true
      readonly config: Readonly<C>
      /** By the key of the setting. */
      readonly origins: Origins
      readonly warnings: readonly ConfigFault[]
    }
  | { readonly ok: false; readonly faults: readonly ConfigFault[]; readonly warnings: readonly ConfigFault[] }

/** One text under a name, as some source gives it. */
interface Given {
  readonly kind: SourceKind
  readonly at: number
  readonly source: string
  /** As the source spells it. */
  readonly name: string
  readonly text: string
}

/** Reads every setting of the schema. Unknown names are faults, so a typo never passes as a default. */
export function parseConfig<C>(schema: ReadableSchema<C>, sources: ConfigSources): ConfigResult<C> {
  const faults: ConfigFault[] = [...(sources.file?.faults ?? []), ...(sources.flags?.faults ?? [])]
  const warnings: ConfigFault[] = []
  const values = new Map(schema.presets)
  const origins = new Map<string, Given>()
  // From the weakest source to the strongest, so that later ones overrule.
  for (const given of [...fileTexts(sources, faults), ...variables(schema, sources), ...flagTexts(sources)]) {
    const named = settingOf(schema, given)
    if (named === undefined) judgeUnknown(schema, given, faults, warnings)
    else if (origins.get(named.key)?.kind === given.kind) {
      const first = origins.get(named.key)?.name ?? ''
      faults.push(faultOf(given, `is the same setting as ${first}, which is given too`, 'keep one'))
    } else {
      const reading = named.setting.read(given.kind === 'file' ? given.text.trim() : given.text)
      if (reading.ok) values.set(named.key, reading.value)
      else faults.push(faultOf(given, reading.reason, reading.expected && `expected ${reading.expected}`))
      origins.set(named.key, given)
    }
  }
  for (const { key, flag, env, setting } of schema.named) {
    if (origins.has(key)) continue
    if (setting.default === undefined) {
      faults.push({ kind: 'all', at: 0, source: `--${flag}`, reason: 'is required', remedy: `give it, or set ${env}` })
    } else values.set(key, setting.default)
  }
  if (faults.length > 0) return { ok: false, faults: sortFaults(faults), warnings: sortFaults(warnings) }
  const config = nested(values) as C
  const together = crossFaults(schema, config, origins)
  if (together.length > 0) return { ok: false, faults: sortFaults(together), warnings: sortFaults(warnings) }
  return {
    ok: true,
    config,
    origins: new Map(schema.named.map(({ key }) => [key, origins.get(key)?.source ?? 'default'])),
    warnings: sortFaults(warnings),
  }
}

/** The configuration of somebody who sets nothing, for a schema in which every setting has a default. */
export function defaultConfig<C>(schema: ReadableSchema<C>): Readonly<C> {
  const result = parseConfig(schema, {})
  assert(result.ok, 'a setting has no default')
  return result.config
}

function fileTexts({ file }: ConfigSources, faults: ConfigFault[]): Given[] {
  if (file === undefined) return []
  const first = new Map<string, number>()
  const texts: Given[] = []
  for (const { name, text, line } of file.entries) {
    const given: Given = { kind: 'file', at: line, source: `${file.name}:${line}`, name, text }
    const earlier = first.get(name)
    if (earlier !== undefined) faults.push(faultOf(given, `is given twice, first in line ${earlier}`, 'keep one'))
    else texts.push(given)
    first.set(name, earlier ?? line)
  }
  return texts
}

function variables<C>({ named, envPrefixes }: ReadableSchema<C>, { env = {} }: ConfigSources): Given[] {
  const known = new Set(named.map((one) => one.env))
  return Object.entries(env).flatMap(([name, text]) => {
    const isOurs = known.has(name) || envPrefixes.some((prefix) => name.startsWith(prefix))
    return isOurs && text !== undefined ? [{ kind: 'environment', at: 0, source: name, name, text }] : []
  })
}

function flagTexts({ flags }: ConfigSources): Given[] {
  return [...(flags?.values ?? [])].map(([flag, { text, at }]) => {
    return { kind: 'flags', at, source: `--${flag}`, name: `--${flag}`, text }
  })
}

function namesOf(named: NamedSetting, kind: SourceKind): readonly string[] {
  if (kind === 'file') return [named.property, ...named.aliases]
  return [kind === 'flags' ? `--${named.flag}` : named.env]
}

function settingOf<C>({ named }: ReadableSchema<C>, { kind, name }: Given): NamedSetting | undefined {
  return named.find((one) => namesOf(one, kind).includes(name))
}

function judgeUnknown<C>(
  schema: ReadableSchema<C>,
  given: Given,
  faults: ConfigFault[],
  warnings: ConfigFault[],
): void {
  const { kind, name, text } = given
  const decidedBy = schema.decided.get(name)
  const rule = kind === 'file' ? schema.foreign.get(name) : undefined
  if (decidedBy !== undefined) faults.push(faultOf(given, `is decided by ${decidedBy}`, 'remove it'))
  else if (rule !== undefined) {
    const judgement = judgeForeign(rule, text.trim())
    if (judgement === undefined) return
    const { severity, reason, remedy } = judgement
    ;(severity === 'fault' ? faults : warnings).push(faultOf(given, reason, remedy))
  } else {
    const known = [
      ...schema.named.flatMap((one) => namesOf(one, kind)),
      ...(kind === 'file' ? schema.foreign.keys() : []),
    ]
    const near = nearestName(name, known)
    faults.push(faultOf(given, near === undefined ? 'is not a setting' : `is not a setting; is ${near} meant?`))
  }
}

function crossFaults<C>(schema: ReadableSchema<C>, config: C, origins: ReadonlyMap<string, Given>): ConfigFault[] {
  return schema.check(config).map(({ key, reason, remedy }) => {
    const given = origins.get(key)
    if (given !== undefined) return faultOf(given, reason, remedy)
    const flag = schema.named.find((one) => one.key === key)?.flag ?? key
    return { kind: 'all', at: 0, source: `--${flag}`, reason, ...(remedy === undefined ? {} : { remedy }) }
  })
}

function faultOf({ kind, at, source, name }: Given, reason: string, remedy?: string): ConfigFault {
  return {
    kind,
    at,
    source,
    ...(kind === 'file' ? { name } : {}),
    reason,
    ...(remedy === undefined ? {} : { remedy }),
  }
}

/** `broker.listenPort` becomes `listenPort` of the object `broker`; all objects are frozen. */
function nested(values: ReadonlyMap<string, unknown>): Readonly<Record<string, unknown>> {
  const whole: Record<string, unknown> = {}
  const parts = new Map<string, Map<string, unknown>>()
  for (const [key, value] of values) {
    const dot = key.indexOf('.')
    if (dot < 0) {
      whole[key] = value
      continue
    }
    const part = parts.get(key.slice(0, dot)) ?? new Map<string, unknown>()
    parts.set(key.slice(0, dot), part.set(key.slice(dot + 1), value))
  }
  for (const [name, part] of parts) whole[name] = nested(part)
  return Object.freeze(whole)
}
