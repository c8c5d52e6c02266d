// A broker as a service: started and stopped at any time, in any order; a stop waits for what a start has opened.
import { type Broker, type BrokerDeps, type RunningBroker, openBroker } from './broker.ts'
import type { BrokerSettings } from './config.ts'

/** Creates a broker; `start` opens its folder, recovers, listens and registers. */
export function createBroker(settings: BrokerSettings, deps: BrokerDeps): Broker {
  let opening: Promise<RunningBroker> | undefined
  let running: RunningBroker | undefined
  let stopping: Promise<void> | undefined

  function required(): RunningBroker {
    if (running === undefined) throw new Error('the broker is not running')
    return running
  }

  async function stopOpened(): Promise<void> {
    // A start that failed was told to its caller, and left nothing open.
    const opened = await opening?.catch(() => undefined)
    await opened?.stop()
  }

  return {
    async start() {
      stopping = undefined
      opening = openBroker(settings, deps)
      running = await opening
      await running.register()
    },
    stop() {
      stopping ??= stopOpened()
      return stopping
    },
    get address() {
      return required().address
    },
    get advertisedAddress() {
      return required().advertisedAddress
    },
    readiness() {
      if (running === undefined) return { ready: false, reason: 'the broker starts: it recovers its log' }
      return running.readiness()
    },
    connectLocal: (handler) => required().connectLocal(handler),
    ledger: () => required().ledger(),
  }
}
