// Where a broker is, whoever runs it: Apache's and ours take turns in one folder, under one name, on one port.
import { freePortList } from '../free-ports.ts'

export interface BrokerPlace {
  readonly folder: string
  readonly brokerName: string
  readonly port: number
  /** Apache's listens for slaves here. */
  readonly haPort: number
  readonly nameserverPort: number
  readonly segmentBytes: number
}

/** A broker that runs. */
export interface BrokerLife {
  readonly kind: 'Apache' | 'ours'
  /** From its start to its first answer. */
  readonly readyMs: number
  /** Lines of its log that say that something is wrong with the store. */
  complaints(): readonly string[]
  /** SIGTERM; rejects where it does not end well. */
  stop(): Promise<void>
  /** SIGKILL. */
  kill(): Promise<void>
}

/** Ports of a place. Apache's broker also listens two below its own. */
export async function brokerPorts(): Promise<{ readonly port: number; readonly haPort: number }> {
  const [port = 0, haPort = 0] = await freePortList(2)
  return { port, haPort }
}
