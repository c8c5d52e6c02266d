// Flags that every service has besides its settings.
import type { ConfigFault } from './fault.ts'

/** What to do with a configuration. */
export type ConfigAction = 'run' | 'help' | 'version' | 'check' | 'print'

export interface CommandLine {
  readonly action: ConfigAction
  /** What `--help` was asked about, '' for all. */
  readonly helpAbout: string
  readonly json: boolean
  readonly configFile: string | undefined
  /** The rest: flags of settings. */
  readonly settings: readonly string[]
  readonly faults: readonly ConfigFault[]
}

export const COMMAND_LINE_HELP = `  -c, --config-file <path>
      Settings as Apache's files have them, .properties or JSON. Stronger are the environment, then flags.
  --check-config
      Says whether the configuration is right, and ends: 0 when it is, 2 with all faults.
  --print-config [--json]
      Prints all settings with where they come from, as a file that --config-file takes, and ends.
  --help
      Shows this.
  --version
      Shows the version.

Flags without a value are switches; --no-<flag> turns one off. Durations are written 500ms, 30s, 5min or 1h, bytes 512KiB
or 4MiB.`

const ACTIONS: Readonly<Record<string, ConfigAction>> = {
  '--help': 'help',
  '-h': 'help',
  '--version': 'version',
  '--check-config': 'check',
  '--print-config': 'print',
}
const CONFIG_FILE = '--config-file'

/** Takes those flags out of a command line. The first action that is named wins. */
export function readCommandLine(argv: readonly string[]): CommandLine {
  const settings: string[] = []
  const faults: ConfigFault[] = []
  let action: ConfigAction = 'run'
  let helpAbout = ''
  let json = false
  let configFile: string | undefined
  const takeFile = (at: number, path: string) => {
    const reason = configFile === undefined ? 'needs a path' : 'is given twice'
    if (path === '' || configFile !== undefined) faults.push({ kind: 'flags', at, source: CONFIG_FILE, reason })
    else configFile = path
  }
  for (let at = 0; at < argv.length; at += 1) {
    const word = argv[at] ?? ''
    const next = argv[at + 1] ?? ''
    const named = ACTIONS[word]
    if (named !== undefined) {
      if (action === 'run') action = named
      if (named === 'help' && /^[a-z]/.test(next)) helpAbout = next
      if (helpAbout !== '' && named === 'help') at += 1
    } else if (word === '--json') json = true
    else if (word === '-c' || word === CONFIG_FILE) {
      takeFile(at, next.startsWith('-') ? '' : next)
      at += 1
    } else if (word.startsWith(`${CONFIG_FILE}=`)) takeFile(at, word.slice(CONFIG_FILE.length + 1))
    else settings.push(word)
  }
  if (json && action !== 'print') {
    faults.push({ kind: 'flags', at: 0, source: '--json', reason: 'goes with --print-config only' })
  }
  return { action, helpAbout, json, configFile, settings, faults }
}
