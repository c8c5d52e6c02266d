// Calls to the nameservers. They know nothing of each other: a read asks one and goes on to the next when that fails
// or does not know; what changes something goes to all, and each result counts for itself.
import {
  decodeClusterInfo,
  decodeDataVersion,
  decodeTopicList,
  decodeTopicRouteData,
  encodeRegisterBrokerBody,
  MqError,
  parseJavaJson,
  stringifyJavaJson,
  type ClusterInfo,
  type DataVersion,
  type RegisterBrokerBody,
  type TopicList,
  type TopicRouteData,
} from '@rocketmq-ts/model'
import { crc32Of31Bits, utf8Encode } from '@rocketmq-ts/bytes'
import {
  AddWritePermOfBroker,
  BrokerHeartbeat,
  decodeKvTable,
  DeleteTopicInNameServer,
  GetAllTopicList,
  GetBrokerClusterInfo,
  GetRouteInfoByTopic,
  QueryDataVersion,
  RegisterBroker,
  ResponseCode,
  UnregisterBroker,
  WipeWritePermOfBroker,
  type Answer,
  type BrokerHeartbeatHeader,
  type Peer,
  type RegisterBrokerHeader,
  type UnregisterBrokerHeader,
} from '@rocketmq-ts/remoting'
import { ask, bodyOf, checkSuccess, headerOf, REQUEST_TIMEOUT_MS, type Call } from './call.ts'
import type { Scheduler, Timer } from '@rocketmq-ts/runtime'
import type { PeerSource } from './peer-source.ts'

/** What one nameserver made of a request. */
export type NameServerResult<Value> =
  | { readonly kind: 'done'; readonly address: string; readonly value: Value }
  | { readonly kind: 'failed'; readonly address: string; readonly error: MqError }

/** Name and address of a broker. */
export type BrokerIdentity = UnregisterBrokerHeader

export type BrokerRegistration = Omit<RegisterBrokerHeader, 'compressed' | 'bodyCrc32'> & {
  readonly body: RegisterBrokerBody
}

export interface Registered {
  /** Address of the master, told to slaves. */
  readonly masterAddr: string | undefined
  readonly haServerAddr: string | undefined
  /** Queue order of ordered topics, by topic. */
  readonly orderTopicConf: ReadonlyMap<string, string>
}

export interface DataVersionAnswer {
  /** The nameserver has another version, or none. */
  readonly changed: boolean
  readonly known: DataVersion | undefined
}

export interface NameServerClient {
  readonly addresses: readonly string[]
  /** Undefined when no nameserver that answers knows the topic. Rejects with the last MqError when none answers. */
  topicRoute(topic: string): Promise<TopicRouteData | undefined>
  clusterInfo(): Promise<ClusterInfo>
  topicList(): Promise<TopicList>
  /**
   * Tells one of the nameservers: each is to be told, and none must wait for another. Rejects with MqError. `onLost` is
   * called when the connection ends, with which the registration ends, too: once for each connection.
   */
  registerBroker(address: string, registration: BrokerRegistration, onLost?: () => void): Promise<Registered>
  unregisterBroker(broker: BrokerIdentity): Promise<NameServerResult<void>[]>
  brokerHeartbeat(heartbeat: BrokerHeartbeatHeader): Promise<NameServerResult<void>[]>
  queryDataVersion(broker: BrokerIdentity, version: DataVersion): Promise<NameServerResult<DataVersionAnswer>[]>
  /** Routes name the broker for reading only; the value is the number of its topics, 0 for an unknown name. */
  wipeWritePerm(brokerName: string): Promise<NameServerResult<number>[]>
  /** Takes `wipeWritePerm` back. */
  addWritePerm(brokerName: string): Promise<NameServerResult<number>[]>
  /** Forgets the topic's route, at the brokers of one cluster only where it is given. */
  deleteTopic(topic: string, clusterName?: string): Promise<NameServerResult<void>[]>
}

export interface NameServerClientOptions {
  /** 'host:port' of each nameserver. */
  readonly addresses: readonly string[]
  readonly peers: PeerSource
  /** Without it, a read waits for a nameserver that hangs until its time-out before it asks the next one. */
  readonly scheduler?: Scheduler
  /** For reads. */
  readonly timeoutMs?: number
  /** For registrations, which carry all topics. Java: 24 s. */
  readonly registerTimeoutMs?: number
}

/** A nameserver that does not answer a read in this time is not waited for while there are others. */
export const SILENT_MS = 300

function asMqError(error: unknown): MqError {
  return error instanceof MqError ? error : new MqError('internal', String(error), error)
}

/** The client of a list of nameservers, see `NameServerClient`. Throws MqError 'parameter-invalid' for an empty list. */
export function createNameServerClient(options: NameServerClientOptions): NameServerClient {
  const { addresses, peers, scheduler, timeoutMs = REQUEST_TIMEOUT_MS, registerTimeoutMs = 24_000 } = options
  if (addresses.length === 0) throw new MqError('parameter-invalid', 'no nameserver address is set; set namesrvAddr')
  let preferred = 0
  /** Connections whose end somebody waits for. */
  const watched = new WeakSet<Peer>()

  /**
   * Asks the one that answered last, then the next, each at once when the one before failed or does not know, and after a
   * moment when it is silent. The first that knows counts; `undefined` is believed when all others say so or are silent.
   */
  function read<Value>(question: (address: string) => Promise<Value | undefined>): Promise<Value | undefined> {
    return new Promise((resolve, reject) => {
      const first = preferred
      let timer: Timer | undefined
      let asked = 0
      let settled = 0
      let answered = false
      let failed: MqError | undefined
      let over = false

      function end(): void {
        over = true
        timer?.cancel()
        if (answered || failed === undefined) resolve(undefined)
        else
          reject(new MqError(failed.code, `no nameserver answers (${addresses.join(', ')}): ${failed.message}`, failed))
      }

      function next(): void {
        timer?.cancel()
        if (over) return
        if (settled === addresses.length) return end()
        if (asked < addresses.length) askOne()
        // With everybody asked, the time is for those who are silent while others have answered.
        timer = scheduler?.after(SILENT_MS, () => (asked === addresses.length && answered ? end() : next()))
      }

      function askOne(): void {
        const index = (first + asked) % addresses.length
        asked += 1
        question(addresses[index] as string)
          .then(
            (value) => {
              answered = true
              if (value === undefined || over) return
              over = true
              timer?.cancel()
              preferred = index
              resolve(value)
            },
            (error: unknown) => {
              failed = asMqError(error)
            },
          )
          .finally(() => {
            settled += 1
            next()
          })
      }

      next()
    })
  }

  async function readBody<Value, H extends object>(
    call: Omit<Call<H, object>, 'timeoutMs'>,
    decode: (body: Uint8Array) => Value,
  ): Promise<Value> {
    const value = await read(async (address) => {
      const answer = await ask(peers, address, { ...call, timeoutMs })
      checkSuccess(answer, call.request, address)
      return decode(bodyOf(answer))
    })
    if (value === undefined) throw new MqError('internal', `${call.request.name}: no answer`)
    return value
  }

  function tellAll<H extends object, A extends object, Value>(
    call: Call<H, A>,
    decode: (answer: Answer<A>) => Value,
  ): Promise<NameServerResult<Value>[]> {
    return Promise.all(
      addresses.map(async (address): Promise<NameServerResult<Value>> => {
        try {
          const answer = await ask(peers, address, call)
          checkSuccess(answer, call.request, address)
          return { kind: 'done', address, value: decode(answer) }
        } catch (error) {
          return { kind: 'failed', address, error: asMqError(error) }
        }
      }),
    )
  }

  return {
    addresses,
    topicRoute(topic) {
      return read(async (address) => {
        const header = { topic, acceptStandardJsonOnly: true }
        const answer = await ask(peers, address, { request: GetRouteInfoByTopic, header, timeoutMs })
        if (answer.code === ResponseCode.TOPIC_NOT_EXIST) return undefined
        checkSuccess(answer, GetRouteInfoByTopic, address)
        return decodeTopicRouteData(parseJavaJson(bodyOf(answer)))
      })
    },
    clusterInfo() {
      return readBody({ request: GetBrokerClusterInfo, header: {} }, (body) => decodeClusterInfo(parseJavaJson(body)))
    },
    topicList() {
      return readBody({ request: GetAllTopicList, header: {} }, (body) => decodeTopicList(parseJavaJson(body)))
    },
    async registerBroker(address, { body: content, ...identity }, onLost) {
      const body = encodeRegisterBrokerBody(content)
      const header = { ...identity, compressed: false, bodyCrc32: crc32Of31Bits(body) }
      const peer = await peers.peer(address)
      if (onLost !== undefined && !watched.has(peer)) {
        watched.add(peer)
        peer.onClose(onLost)
      }
      const answer = await peer.request(RegisterBroker, header, { body, timeoutMs: registerTimeoutMs })
      checkSuccess(answer, RegisterBroker, address)
      return {
        masterAddr: answer.header?.masterAddr,
        haServerAddr: answer.header?.haServerAddr,
        orderTopicConf: answer.body === undefined ? new Map() : decodeKvTable(answer.body),
      }
    },
    unregisterBroker(broker) {
      return tellAll({ request: UnregisterBroker, header: broker, timeoutMs }, () => undefined)
    },
    brokerHeartbeat(heartbeat) {
      return tellAll({ request: BrokerHeartbeat, header: heartbeat, timeoutMs }, () => undefined)
    },
    queryDataVersion(broker, version) {
      const body = utf8Encode(stringifyJavaJson(version))
      return tellAll({ request: QueryDataVersion, header: broker, body, timeoutMs }, (answer) => ({
        changed: headerOf(answer).changed,
        known: answer.body === undefined ? undefined : decodeDataVersion(parseJavaJson(answer.body)),
      }))
    },
    wipeWritePerm(brokerName) {
      const call = { request: WipeWritePermOfBroker, header: { brokerName }, timeoutMs }
      return tellAll(call, (answer) => headerOf(answer).wipeTopicCount)
    },
    addWritePerm(brokerName) {
      const call = { request: AddWritePermOfBroker, header: { brokerName }, timeoutMs }
      return tellAll(call, (answer) => headerOf(answer).addTopicCount)
    },
    deleteTopic(topic, clusterName) {
      return tellAll({ request: DeleteTopicInNameServer, header: { topic, clusterName }, timeoutMs }, () => undefined)
    },
  }
}
