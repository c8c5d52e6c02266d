// rmq cluster status: every nameserver and broker, asked one by one, so that it shows who does not answer.
import { isReadable, isWritable, MASTER_ID } from '@rocketmq-ts/model'
import type { Context } from '../context.ts'
import { ExitCode } from '../failures.ts'
import { countText, durationText } from '../output/text.ts'
import type { BrokerAddress, Session } from '../session.ts'

interface NameServerStatus {
  readonly address: string
  readonly reachable: boolean
  readonly brokers?: number
  readonly error?: string
}

interface BrokerStatus extends BrokerAddress {
  readonly reachable: boolean
  /** Routes name it for producers. */
  readonly drained: boolean
  readonly version?: string
  readonly accepting?: boolean
  readonly upMs?: number
  readonly messagesInPerSecond?: number
  readonly messagesOutPerSecond?: number
  readonly error?: string
}

export async function clusterStatus({ session, printer }: Context): Promise<number> {
  const opened = await session()
  const addresses = await opened.brokerAddresses()
  const [nameservers, brokers] = await Promise.all([
    Promise.all(opened.setting.addresses.map((address) => nameServerStatus(opened, address))),
    Promise.all(addresses.map((broker) => brokerStatus(opened, broker))),
  ])
  if (printer.isJson) printer.document({ nameservers, brokers })
  else {
    printer.table(
      [{ title: 'NAMESERVER' }, { title: 'STATE' }],
      nameservers.map(({ address, brokers: count, error }) => [
        address,
        error ?? `ok, ${countText(count ?? 0, 'broker')}`,
      ]),
    )
    printer.line()
    if (brokers.length === 0)
      printer.line('No broker is registered. Start one with this nameserver in its namesrvAddr.')
    else printer.table(BROKER_COLUMNS, brokers.map(brokerRow))
  }
  const isWell = nameservers.every((each) => each.reachable) && brokers.every((each) => each.accepting === true)
  return isWell && brokers.length > 0 ? ExitCode.OK : ExitCode.FAILED
}

const BROKER_COLUMNS = [
  { title: 'CLUSTER' },
  { title: 'BROKER' },
  { title: 'ROLE' },
  { title: 'ADDRESS' },
  { title: 'VERSION' },
  { title: 'UP', align: 'right' },
  { title: 'IN/S', align: 'right' },
  { title: 'OUT/S', align: 'right' },
  { title: 'STATE' },
] as const

function brokerRow(status: BrokerStatus): string[] {
  const { cluster, brokerName, brokerId, address, version = '-', upMs } = status
  return [
    cluster,
    brokerName,
    brokerId === MASTER_ID ? 'master' : `slave ${brokerId}`,
    address,
    version,
    upMs === undefined ? '-' : durationText(upMs),
    status.messagesInPerSecond?.toFixed(1) ?? '-',
    status.messagesOutPerSecond?.toFixed(1) ?? '-',
    stateOf(status),
  ]
}

function stateOf({ error, accepting, drained }: BrokerStatus): string {
  if (error !== undefined) return error
  if (accepting === false) return 'refuses writes: see its log'
  return drained ? 'drained' : 'ok'
}

async function nameServerStatus(session: Session, address: string): Promise<NameServerStatus> {
  try {
    const { brokerAddrTable } = await session.nameServer(address).clusterInfo()
    return { address, reachable: true, brokers: brokerAddrTable.size }
  } catch (error) {
    return { address, reachable: false, error: error instanceof Error ? error.message : String(error) }
  }
}

async function brokerStatus(session: Session, broker: BrokerAddress): Promise<BrokerStatus> {
  const drained = await isDrained(session, broker.brokerName)
  try {
    const info = await session.brokers.runtimeInfo(broker.address)
    const bootMs = Number(info.get('bootTimestamp'))
    const version = info.get('implementation') ?? info.get('brokerVersionDesc')
    return {
      ...broker,
      reachable: true,
      drained,
      accepting: info.get('brokerActive') !== 'false',
      ...(version !== undefined && { version }),
      ...(bootMs > 0 && { upMs: Math.max(0, session.effects.clock.nowMs() - bootMs) }),
      ...rate('messagesInPerSecond', info.get('putTps')),
      ...rate('messagesOutPerSecond', info.get('getTransferredTps')),
    }
  } catch (error) {
    return { ...broker, reachable: false, drained, error: error instanceof Error ? error.message : String(error) }
  }
}

/** The first of three rates: over the last 10 seconds. */
function rate(name: 'messagesInPerSecond' | 'messagesOutPerSecond', text: string | undefined) {
  const value = Number(text?.split(' ')[0] ?? 'none')
  return Number.isNaN(value) ? {} : { [name]: value }
}

/** Every broker has a topic of its own name; a drained one is routed for reading only. */
async function isDrained(session: Session, brokerName: string): Promise<boolean> {
  const route = await session.route(brokerName)
  const queue = route?.queueDatas.find((each) => each.brokerName === brokerName)
  return queue !== undefined && isReadable(queue.perm) && !isWritable(queue.perm)
}
