// One folder of a store, and whoever runs on it now. All brokers of a site have one name and one port, so that routes
// and message ids mean the same.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { type ApacheOptions, startApacheBroker } from './apache.ts'
import { type BrokerLife, type BrokerPlace, brokerPorts } from './broker-place.ts'
import { startOurBroker } from './ours.ts'
import { connectRemoting, type RemotingClient } from './remoting-client.ts'
import { BROKER_NAME } from './requests.ts'

/** The smallest that both take: a load fills several. */
const SEGMENT_BYTES = 16 * 1024 * 1024

export interface SiteOptions {
  readonly name: string
  /** Gets the store, the logs and Apache's home. */
  readonly scratch: string
  readonly classPath: string
  /** Folder of our bundles. */
  readonly services: string
  readonly nameserverPort: number
  readonly apacheSettings?: ApacheOptions['settings']
  readonly segmentBytes?: number
  readonly tell: (line: string) => void
}

/** A broker of the site, as a client sees it. */
export interface Visit {
  readonly kind: BrokerLife['kind']
  readonly client: RemotingClient
  stop(): Promise<void>
  kill(): Promise<void>
}

export interface Site {
  /** Of all brokers that have ended here: what their logs say is wrong. */
  readonly complaints: readonly string[]
  readonly folder: string
  readonly segmentBytes: number
  /** Starts a broker on the folder; the one before has ended. */
  open(kind: BrokerLife['kind']): Promise<Visit>
}

export async function createSite(options: SiteOptions): Promise<Site> {
  const { name, scratch, classPath, services, nameserverPort, apacheSettings, tell } = options
  const folder = join(scratch, name, 'store')
  mkdirSync(folder, { recursive: true })
  const place: BrokerPlace = {
    folder,
    brokerName: BROKER_NAME,
    ...(await brokerPorts()),
    nameserverPort,
    segmentBytes: options.segmentBytes ?? SEGMENT_BYTES,
  }
  const logFile = join(scratch, name, 'ours.log')
  const home = join(scratch, name, 'apache')

  const complaints: string[] = []

  return {
    folder,
    segmentBytes: place.segmentBytes,
    complaints,
    async open(kind) {
      const life =
        kind === 'Apache'
          ? await startApacheBroker(place, { classPath, home, ...(apacheSettings && { settings: apacheSettings }) })
          : await startOurBroker(place, { services, logFile })
      const client = await connectRemoting(place.port)
      tell(`${name}: ${kind} opens the folder, ready after ${Math.round(life.readyMs)} ms`)
      async function end(how: 'stop' | 'kill', word: string): Promise<void> {
        client.close()
        const startedMs = performance.now()
        await life[how]()
        complaints.push(...life.complaints().map((line) => `${kind}: ${line}`))
        tell(`${name}: ${kind} ${word} after ${Math.round(performance.now() - startedMs)} ms`)
      }
      return {
        kind,
        client,
        stop: () => end('stop', 'stopped'),
        kill: () => end('kill', 'killed'),
      }
    },
  }
}
