// A schema: the settings of one service under one environment prefix, each name used once.
import assert from 'node:assert'
import type { Setting } from './setting.ts'

/** Settings by key. Keys are Apache's property names wherever Apache has the property. */
export type Settings = { readonly [key: string]: Setting<unknown> }

/** The values of a schema, frozen. */
export type ConfigOf<S extends ConfigSchema<Settings>> =
  S extends ConfigSchema<infer T> ? { readonly [K in keyof T]: T[K] extends Setting<infer V> ? V : never } : never

/** A setting with the names it goes by in each source. */
export interface NamedSetting {
  readonly key: string
  readonly flag: string
  readonly env: string
  readonly property: string
  readonly setting: Setting<unknown>
}

export interface ConfigSchema<T extends Settings> {
  readonly settings: T
  /** Variables that begin with it and name no setting are faults. */
  readonly envPrefix: string
  readonly named: readonly NamedSetting[]
}

export interface SchemaOptions {
  /** Begins the environment names, e.g. `ROCKETMQ_TS_BROKER_`. */
  readonly envPrefix: string
}

/**
 * Declares the settings of one service. Names in the sources follow from the key: `listenPort` is `--listen-port`,
 * `<envPrefix>LISTEN_PORT` and, in a properties file, `listenPort`; a setting may choose others.
 */
export function defineConfig<T extends Settings>(settings: T, options: SchemaOptions): ConfigSchema<T> {
  const named = Object.entries(settings).map(([key, setting]): NamedSetting => {
    return {
      key,
      flag: setting.flag ?? wordsOf(key).join('-'),
      env: setting.env ?? options.envPrefix + wordsOf(key).join('_').toUpperCase(),
      property: setting.property ?? key,
      setting,
    }
  })
  for (const source of ['flag', 'env', 'property'] as const) {
    const names = new Set(named.map((one) => one[source]))
    assert(names.size === named.length, `two settings share a ${source} name`)
  }
  return { settings, envPrefix: options.envPrefix, named }
}

/** The settings as lines for `--help`: flag, shape, default, help, environment name. */
export function describeConfig(schema: ConfigSchema<Settings>): string {
  return schema.named
    .map(({ flag, env, setting }) => {
      const preset = setting.default === undefined ? 'required' : `default ${setting.write(setting.default)}`
      const name = setting.isSwitch ? `--${flag}` : `--${flag} <${setting.shape}>`
      return `  ${name}\n      ${setting.help} (${preset}; ${env})`
    })
    .join('\n')
}

/** `brokerIP1` → broker, ip1; `listenPort` → listen, port. */
function wordsOf(key: string): string[] {
  return key
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(' ')
}
