// Services as separate processes with settings of their own: what people meet who do not begin with `npm start`.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { freePortList } from './free-ports.ts'
import { launch, type ServiceProcess } from './server.ts'

export type PartKind = 'nameserver' | 'broker' | 'proxy'

export interface Part {
  readonly port: number
  readonly healthPort: number
  /** `host:port` of it. */
  readonly address: string
  readonly folder: string
  readonly logFile: string
  readonly process: ServiceProcess
}

export interface Parts {
  /** Starts one and waits until it is ready. */
  start(kind: PartKind, options?: PartOptions): Promise<Part>
  /** Starts one that may never be ready. */
  launch(kind: PartKind, options?: PartOptions): Promise<Part>
}

export interface PartOptions {
  readonly flags?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

const PORT_FLAGS = { nameserver: 'listen-port', broker: 'listen-port', proxy: 'grpc-server-port' } as const
const FOLDER_FLAGS = { broker: 'store-path-root-dir', proxy: 'tls-self-signed-folder' } as const

/** `services` is the folder with the bundles; `scratch` gets a folder and a log for each part. */
export function createParts(services: string, scratch: string): Parts {
  let count = 0
  const parts: Parts = {
    async start(kind, options) {
      const part = await parts.launch(kind, options)
      await part.process.ready()
      return part
    },
    async launch(kind, { flags = [], env = {} } = {}) {
      const name = `${kind}-${(count += 1)}`
      const [port = 0, healthPort = 0] = await freePortList(2)
      const folder = join(scratch, name)
      mkdirSync(folder, { recursive: true })
      const logFile = `${folder}.log`
      const ports = [`--${PORT_FLAGS[kind]}=${port}`, `--health-port=${healthPort}`]
      const folders = kind === 'nameserver' ? [] : [`--${FOLDER_FLAGS[kind]}=${folder}`]
      const process = launch({
        main: join(services, `${kind}.mjs`),
        flags: [...ports, ...folders, ...flags],
        healthUrl: `http://127.0.0.1:${healthPort}`,
        logFile,
        env,
      })
      return { port, healthPort, address: `127.0.0.1:${port}`, folder, logFile, process }
    },
  }
  return parts
}
