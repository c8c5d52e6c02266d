// The command: reads the settings, starts, tells where to connect, and stops when asked. Returns the exit code.
import { performance } from 'node:perf_hooks'
import { type ConfigFault, describeConfig, formatFaults, parseConfig, readFlags } from '@rocketmq-ts/config'
import { createMetricsRegistry } from '@rocketmq-ts/metrics'
import { advertisedHostFor, createNodeEffects, createPinoLogger } from '@rocketmq-ts/runtime/node'
import manifest from '../../package.json' with { type: 'json' }
import { bannerOf } from '../banner.ts'
import type { StandaloneEvent } from '../events.ts'
import { checkSettings, isLoopback, type StandaloneConfig, standaloneConfig } from '../settings.ts'
import { StartFailure } from '../start-failure.ts'
import { type DataFolder, openDataFolder } from './data-folder.ts'
import { watchStopSignals } from './signals.ts'
import { createStandalone } from './standalone.ts'

/** What is not drained after this time is left behind; nothing acknowledged is lost by it. */
export const DRAIN_DEADLINE_MS = 4_000
/** The process has ended this long after it was asked to, whatever happens. */
export const EXIT_DEADLINE_MS = 5_000
const INSISTED_EXIT_CODE = 130

const USAGE = `rocketmq-ts ${manifest.version}: NameServer, Broker and Proxy in one process

Usage: npm start -- [flags]

${describeConfig(standaloneConfig)}
  --help
      Shows this.
  --version
      Shows the version.`

export interface RunOptions {
  /** Arguments without the names of program and script. */
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  /** Text for people, beside the log lines on standard output. */
  readonly tell: (text: string) => void
  /** What was asked for: on standard output. */
  readonly print: (text: string) => void
}

/** Runs until a signal asks to stop. 0 after a clean stop, 1 when the start or the stop failed, 2 for wrong settings. */
export async function runStandalone({ argv, env, tell, print }: RunOptions): Promise<number> {
  if (argv.includes('--help')) {
    print(USAGE)
    return 0
  }
  if (argv.includes('--version')) {
    print(manifest.version)
    return 0
  }
  const settings = readSettings(argv, env)
  if ('faults' in settings) {
    tell(`${formatFaults(settings.faults)}\nNothing was started. --help shows all settings.`)
    return 2
  }
  let folder: DataFolder | undefined
  try {
    const { dataDir, ephemeral } = settings.config
    folder = openDataFolder({ dataDir, ephemeral, isChosen: settings.isDataDirChosen })
    return await runIn(folder, settings.config, tell)
  } catch (error) {
    if (error instanceof StartFailure) tell(error.message)
    else tell(folder === undefined ? `--data-dir: ${messageOf(error)}` : stackOf(error))
    return 1
  } finally {
    folder?.remove()
  }
}

async function runIn(folder: DataFolder, config: StandaloneConfig, tell: (text: string) => void): Promise<number> {
  const endAtOnce = () => {
    folder.remove()
    process.exit(INSISTED_EXIT_CODE)
  }
  const signals = watchStopSignals(() => performance.now(), endAtOnce)
  const logger = createPinoLogger<StandaloneEvent>({ level: config.logLevel })
  const registry = createMetricsRegistry()
  const standalone = createStandalone(config, {
    effects: createNodeEffects(),
    dataDir: folder.path,
    advertisedHost: advertisedHostFor(config.host),
    loggerOf: (service) => createPinoLogger({ level: config.logLevel, fields: { service } }),
    registry,
    stopDeadlineMs: DRAIN_DEADLINE_MS,
    onDefect: () => {
      folder.remove()
      process.exit(1)
    },
  })
  try {
    if (!isLoopback(config.host)) logger.warn({ event: 'standalone.open', host: config.host })
    const starting = standalone.start()
    const askedEarly = await Promise.race([starting.then(() => undefined), signals.asked])
    if (askedEarly === undefined) {
      const { endpoints } = standalone
      const startMs = performance.now()
      logger.info({ event: 'standalone.ready', ...endpoints, dataDir: folder.path, startMs: Math.round(startMs) })
      const { ephemeral, flush } = config
      tell(bannerOf({ version: manifest.version, endpoints, dataDir: folder.path, ephemeral, flush, startMs }))
    } else starting.catch(() => {}) // the stop below waits for it
    const signal = await signals.asked
    logger.info({ event: 'standalone.stopping', signal })
    const overdue = setTimeout(() => {
      folder.remove()
      process.exit(1)
    }, EXIT_DEADLINE_MS)
    try {
      await standalone.stop()
    } catch (error) {
      logger.error({ event: 'standalone.stop-failed', message: messageOf(error) })
      return 1
    } finally {
      clearTimeout(overdue)
    }
    logger.info({ event: 'standalone.stopped' })
    return 0
  } finally {
    signals.close()
  }
}

type Settings =
  | { readonly config: StandaloneConfig; readonly isDataDirChosen: boolean }
  | { readonly faults: readonly ConfigFault[] }

function readSettings(argv: RunOptions['argv'], env: RunOptions['env']): Settings {
  const flags = readFlags(standaloneConfig, argv)
  const result = parseConfig(standaloneConfig, { flags: flags.values, env })
  const faults = [...flags.faults, ...(result.ok ? checkSettings(result.config) : result.faults)]
  if (!result.ok || faults.length > 0) return { faults }
  return { config: result.config, isDataDirChosen: result.config.dataDir !== standaloneConfig.settings.dataDir.default }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
