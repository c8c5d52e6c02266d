// A schema: the settings of one service under one environment prefix, each name used once; or of several services that
// run in one process, each of them a part of it.
import assert from 'node:assert'
import { type ForeignSettings, NO_FOREIGN_SETTINGS } from './foreign-settings.ts'
import type { Setting } from './setting.ts'

/** Settings by key. Keys are Apache's property names wherever Apache has the property. */
export type Settings = { readonly [key: string]: Setting<unknown> }

/** The values of some settings. */
export type ValuesOf<T extends Settings> = { readonly [K in keyof T]: T[K] extends Setting<infer V> ? V : never }

/** The values of a schema, frozen. */
export type ConfigOf<S> = S extends ReadableSchema<infer C> ? C : never

/** A setting with the names it goes by in each source. */
export interface NamedSetting {
  /** The path of its value: `listenPort`, of a part `broker.listenPort`. */
  readonly key: string
  readonly flag: string
  readonly env: string
  readonly property: string
  readonly aliases: readonly string[]
  readonly setting: Setting<unknown>
}

/** Something that only several settings together show. */
export interface CrossFault {
  readonly key: string
  readonly reason: string
  readonly remedy?: string
}

/** What `parseConfig` reads. */
export interface ReadableSchema<C> {
  readonly named: readonly NamedSetting[]
  /** Variables that begin with one of them and name no setting are faults. */
  readonly envPrefixes: readonly string[]
  /** Properties of Apache's that a file may name. */
  readonly foreign: ForeignSettings
  /** Flags, variables and properties that are decided by another setting, with the reason. */
  readonly decided: ReadonlyMap<string, string>
  /** Values by key of what nobody can set here. */
  readonly presets: ReadonlyMap<string, unknown>
  check(config: C): readonly CrossFault[]
}

export interface ConfigSchema<T extends Settings> extends ReadableSchema<ValuesOf<T>> {
  readonly settings: T
}

export interface SchemaOptions<T extends Settings> {
  /** Begins the environment names, e.g. `ROCKETMQ_TS_BROKER_`. */
  readonly envPrefix: string
  readonly foreign?: ForeignSettings
  /** Faults of settings that are right each for itself. Called only when all of them are. */
  readonly check?: (config: ValuesOf<T>) => readonly (CrossFault & { readonly key: keyof T & string })[]
}

/**
 * Declares the settings of one service. Names in the sources follow from the key: `listenPort` is `--listen-port`,
 * `<envPrefix>LISTEN_PORT` and, in a file, `listenPort`; a setting may choose others.
 */
export function defineConfig<T extends Settings>(settings: T, options: SchemaOptions<T>): ConfigSchema<T> {
  const named = Object.entries(settings).map(([key, setting]): NamedSetting => {
    return {
      key,
      flag: setting.flag ?? wordsOf(key).join('-'),
      env: setting.env ?? options.envPrefix + wordsOf(key).join('_').toUpperCase(),
      property: setting.property ?? key,
      aliases: setting.aliases ?? [],
      setting,
    }
  })
  const foreign = options.foreign ?? NO_FOREIGN_SETTINGS
  checkUnique(
    'flag',
    named.map(({ flag }) => flag),
  )
  checkUnique(
    'env',
    named.map(({ env }) => env),
  )
  checkUnique('property', [...named.flatMap(({ property, aliases }) => [property, ...aliases]), ...foreign.keys()])
  return {
    settings,
    envPrefixes: [options.envPrefix],
    named,
    foreign,
    decided: new Map(),
    presets: new Map(),
    check: (config) => options.check?.(config) ?? [],
  }
}

function checkUnique(source: string, names: readonly string[]): void {
  assert(new Set(names).size === names.length, `two settings share a ${source} name`)
}

/** A service as a part of another schema. */
export interface Part<C> {
  readonly schema: ReadableSchema<C>
  /** Defaults that differ here. */
  readonly defaults?: Partial<NoInfer<C>>
  /** Settings that are not its own here: what decides them, continuing "is decided by …". */
  readonly decided?: Partial<Record<keyof NoInfer<C> & string, string>>
}

/** A part whose values are not looked at by type. */
interface LoosePart {
  readonly schema: ReadableSchema<unknown>
  readonly defaults?: Readonly<Record<string, unknown>>
  readonly decided?: Readonly<Record<string, string>>
}

/**
 * A schema with others as its parts: `listenPort` of the part `broker` is `--broker.listen-port`, `broker.listenPort` in
 * a file, and in the environment what it is for the service alone.
 */
export function withParts<C, P extends object>(
  own: ReadableSchema<C>,
  parts: { readonly [K in keyof P]: Part<P[K]> },
): ReadableSchema<C & Readonly<P>> {
  const all = Object.entries<LoosePart>(parts as Readonly<Record<string, LoosePart>>)
  const decided = new Map<string, string>()
  const presets = new Map<string, unknown>()
  const named = [...own.named]
  const foreign = new Map(own.foreign)
  for (const [name, part] of all) {
    for (const one of part.schema.named) {
      const by = part.decided?.[one.key]
      const inPart = asPart(name, one, part.defaults?.[one.key])
      if (by === undefined) {
        named.push(inPart)
        continue
      }
      presets.set(inPart.key, inPart.setting.default)
      for (const each of [`--${inPart.flag}`, inPart.env, inPart.property]) decided.set(each, by)
    }
    for (const [property, rule] of part.schema.foreign) foreign.set(`${name}.${property}`, rule)
  }
  return {
    named,
    envPrefixes: [...own.envPrefixes, ...all.flatMap(([, { schema }]) => schema.envPrefixes)],
    foreign,
    decided,
    presets,
    check: (config) => [...own.check(config), ...all.flatMap(([name, part]) => partFaults(name, part, config))],
  }
}

function partFaults(name: string, { schema, decided = {} }: LoosePart, config: object): CrossFault[] {
  return schema
    .check((config as Readonly<Record<string, unknown>>)[name])
    .filter(({ key }) => decided[key] === undefined)
    .map((fault) => ({ ...fault, key: `${name}.${fault.key}` }))
}

function asPart(part: string, one: NamedSetting, preset: unknown): NamedSetting {
  return {
    ...one,
    key: `${part}.${one.key}`,
    flag: `${part}.${one.flag}`,
    property: `${part}.${one.property}`,
    aliases: one.aliases.map((alias) => `${part}.${alias}`),
    setting: preset === undefined ? one.setting : { ...one.setting, default: preset },
  }
}

/** `brokerIP1` → broker, ip1; `listenPort` → listen, port. */
function wordsOf(key: string): string[] {
  return key
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(' ')
}
