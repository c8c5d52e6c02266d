// What a suite leaves behind is ended with it, also when a signal ends it: by itself, Node tells no listener then.
import { constants } from 'node:os'

let isListening = false

/** Calls `end` when this process exits. It can not wait for anything. */
export function atExit(end: () => void): void {
  process.on('exit', end)
  if (isListening) return
  isListening = true
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(name, () => process.exit(128 + constants.signals[name]))
  }
}
