// Asks to stop: the first signal drains, a second one ends at once.

export type StopSignal = 'SIGINT' | 'SIGTERM' | 'SIGHUP'
const STOP_SIGNALS: readonly StopSignal[] = ['SIGINT', 'SIGTERM', 'SIGHUP']
/** One Ctrl-C arrives several times: the terminal sends it to every process of the group, and npm passes it on. */
export const SAME_KEY_PRESS_MS = 500

export interface StopSignals {
  /** Resolves with the first signal. */
  readonly asked: Promise<StopSignal>
  /** Back to what the system does with signals. */
  close(): void
}

/** Listens for signals; `insisted` is called when one comes again, later than the echo of the first. */
export function watchStopSignals(nowMs: () => number, insisted: () => void): StopSignals {
  const first = Promise.withResolvers<StopSignal>()
  let askedAtMs: number | undefined
  const onSignal = (signal: StopSignal) => {
    if (askedAtMs === undefined) {
      askedAtMs = nowMs()
      first.resolve(signal)
    } else if (nowMs() - askedAtMs > SAME_KEY_PRESS_MS) insisted()
  }
  for (const signal of STOP_SIGNALS) process.on(signal, onSignal)
  return {
    asked: first.promise,
    close() {
      for (const signal of STOP_SIGNALS) process.off(signal, onSignal)
    },
  }
}
