// Which broker has which topic. Pure state: no clock, no connection; the caller says who came and who left.
// Invariant: a broker name is here while it has at least one address, a topic while at least one broker name has it.
import {
  compareDataVersions,
  isWritable,
  MASTER_ID,
  Perm,
  type BrokerData,
  type ClusterInfo,
  type DataVersion,
  type QueueData,
  type RegisterBrokerBody,
  type TopicConfig,
  type TopicRouteData,
} from '@rocketmq-ts/model'

/** What a broker says of itself. */
export interface Registration {
  readonly clusterName: string
  readonly brokerName: string
  readonly brokerId: number
  /** 'host:port' that clients connect to. */
  readonly brokerAddr: string
  readonly haServerAddr: string
  /** Undefined for a broker before 5.0, whose slaves never stand in for a master. */
  readonly enableActingMaster: boolean | undefined
  /** The body holds changed topics only. */
  readonly isIncremental: boolean
  readonly body: RegisterBrokerBody
}

export type RegisterOutcome =
  | {
      readonly kind: 'registered'
      /** This address was not registered before. */
      readonly isNew: boolean
      /** Addresses of this broker name that the registration pushed out. */
      readonly left: readonly string[]
      /** For slaves: the master, when it is registered. */
      readonly master: { readonly brokerAddr: string; readonly haServerAddr: string } | undefined
    }
  /** The id is held by another address whose state is newer. */
  | { readonly kind: 'outdated'; readonly holder: string; readonly left: readonly string[] }
  /** The first registration of an id announces only a change, or a single topic, which is one: the whole must come first. */
  | { readonly kind: 'incomplete' }
  | { readonly kind: 'full'; readonly bound: 'brokers' | 'topics'; readonly limit: number }

export interface Drained {
  /** Of the broker; 0 for a name that is not registered. */
  readonly topics: number
  /** It was not so before. */
  readonly isChanged: boolean
}

export interface RouteTableOptions {
  /** Addresses in total. */
  readonly brokersMax: number
  readonly topicsMax: number
  /** Topics that a master no longer announces are removed. Apache: deleteTopicWithBrokerRegistration. */
  readonly deleteTopicsNotAnnounced: boolean
}

interface Member {
  readonly brokerAddr: string
  readonly haServerAddr: string
  readonly dataVersion: DataVersion
}

/** A master and its slaves, and the topics that the master (or who stands in for it) announced. */
interface Broker {
  readonly brokerName: string
  cluster: string
  enableActingMaster: boolean
  /** Routes name it for reading only, whatever it announces. */
  isDrained: boolean
  readonly members: Map<number, Member>
  readonly topics: Map<string, QueueData>
}

/** Java: RouteInfoManager. */
export class RouteTable {
  readonly #options: RouteTableOptions
  readonly #brokers = new Map<string, Broker>()
  readonly #brokersOfTopic = new Map<string, Set<Broker>>()
  /** Drained when they were lost: they are when they come back. At most as many as there may be addresses. */
  readonly #drainedAway = new Set<string>()
  #members = 0

  constructor(options: RouteTableOptions) {
    this.#options = options
  }

  /** Addresses registered. */
  get brokerCount(): number {
    return this.#members
  }

  get topicCount(): number {
    return this.#brokersOfTopic.size
  }

  /** Takes a registration as a whole, or changes nothing but what `left` names. Java: RouteInfoManager.registerBroker. */
  register(registration: Registration): RegisterOutcome {
    const { brokerName, brokerId, brokerAddr, body } = registration
    const known = this.#brokers.get(brokerName)
    const holder = known?.members.get(brokerId)
    if (known !== undefined && holder !== undefined && isOutdated(registration, holder)) {
      const left = this.remove(brokerName, brokerAddr) ? [brokerAddr] : []
      return { kind: 'outdated', holder: holder.brokerAddr, left }
    }
    if (holder === undefined && body.topicConfigTable.size === 1) return { kind: 'incomplete' }
    if (registration.isIncremental && holder?.brokerAddr !== brokerAddr) return { kind: 'incomplete' }
    const full = this.#boundReached(registration)
    if (full !== undefined) return full

    const broker = known ?? this.#createBroker(registration)
    broker.cluster = registration.clusterName
    broker.enableActingMaster = registration.enableActingMaster ?? false
    const previous = [...broker.members.values()].find((member) => member.brokerAddr === brokerAddr)
    const left = this.#place(broker, registration)
    const isChanged =
      holder === undefined ||
      previous === undefined ||
      compareDataVersions(previous.dataVersion, body.dataVersion) !== 0
    if (this.#speaksForTopics(broker, registration)) this.#takeTopics(broker, registration, isChanged)
    return { kind: 'registered', isNew: previous === undefined, left, master: masterFor(broker, brokerId) }
  }

  /**
   * Removes an address; its topics go with the last one of its broker name. False when it was not registered. One that
   * stopped in order (`isStopped`) is no longer drained when it starts again, one that was lost is.
   */
  remove(brokerName: string, brokerAddr: string, isStopped = false): boolean {
    const broker = this.#brokers.get(brokerName)
    if (broker === undefined) return false
    let isRemoved = false
    for (const [brokerId, member] of broker.members) {
      if (member.brokerAddr !== brokerAddr) continue
      broker.members.delete(brokerId)
      this.#members -= 1
      isRemoved = true
    }
    if (broker.members.size === 0) {
      if (broker.isDrained && !isStopped) this.#noteDrainedAway(brokerName)
      this.#removeBroker(broker)
    } else if (isRemoved && broker.enableActingMaster && !broker.members.has(MASTER_ID)) stripWrite(broker)
    return isRemoved
  }

  /** The version that an address announced last; undefined when it is not registered. */
  dataVersionOf(brokerName: string, brokerAddr: string): DataVersion | undefined {
    const members = this.#brokers.get(brokerName)?.members.values() ?? []
    for (const member of members) if (member.brokerAddr === brokerAddr) return member.dataVersion
    return undefined
  }

  /** Where a topic is, broker names in order; undefined when nobody has it. Java: pickupTopicRouteData. */
  route(topic: string): TopicRouteData | undefined {
    const brokers = this.#brokersOfTopic.get(topic)
    if (brokers === undefined) return undefined
    const inOrder = [...brokers].sort((left, right) => (left.brokerName < right.brokerName ? -1 : 1))
    return {
      queueDatas: inOrder.map((broker) => routedQueue(broker, broker.topics.get(topic)!)),
      brokerDatas: inOrder.map(brokerDataOf),
      filterServerTable: new Map(),
    }
  }

  /**
   * Routes name the broker for reading only from now on, or as it announces itself again. It holds across registrations,
   * for topics that are created meanwhile, and when the broker is lost and comes back; an orderly stop ends it.
   * Java: RouteInfoManager.operateWritePermOfBroker, which a change of the broker's topics undoes.
   */
  drain(brokerName: string, isDrained: boolean): Drained {
    const broker = this.#brokers.get(brokerName)
    if (broker === undefined) {
      const isForgotten = !isDrained && this.#drainedAway.delete(brokerName)
      return { topics: 0, isChanged: isForgotten }
    }
    const isChanged = broker.isDrained !== isDrained
    broker.isDrained = isDrained
    return { topics: broker.topics.size, isChanged }
  }

  /** Forgets a topic, at the brokers of one cluster only where `cluster` is given. Java: RouteInfoManager.deleteTopic. */
  deleteTopic(topic: string, cluster?: string): void {
    for (const broker of this.#brokersOfTopic.get(topic) ?? []) {
      if (cluster === undefined || broker.cluster === cluster) this.#removeTopic(broker, topic)
    }
  }

  clusterInfo(): ClusterInfo {
    const brokerAddrTable = new Map<string, BrokerData>()
    const clusterAddrTable = new Map<string, string[]>()
    for (const broker of this.#brokers.values()) {
      brokerAddrTable.set(broker.brokerName, brokerDataOf(broker))
      const names = clusterAddrTable.get(broker.cluster)
      if (names === undefined) clusterAddrTable.set(broker.cluster, [broker.brokerName])
      else names.push(broker.brokerName)
    }
    return { brokerAddrTable, clusterAddrTable }
  }

  /** Names of all topics, in order. */
  topics(): string[] {
    return [...this.#brokersOfTopic.keys()].sort()
  }

  #boundReached({ brokerName, brokerAddr, brokerId, body }: Registration): RegisterOutcome | undefined {
    const { brokersMax, topicsMax } = this.#options
    const members = this.#brokers.get(brokerName)?.members
    const isKnown = members?.has(brokerId) === true || this.dataVersionOf(brokerName, brokerAddr) !== undefined
    if (!isKnown && this.#members >= brokersMax) return { kind: 'full', bound: 'brokers', limit: brokersMax }
    let topics = this.#brokersOfTopic.size
    for (const topic of body.topicConfigTable.keys()) if (!this.#brokersOfTopic.has(topic)) topics += 1
    return topics > topicsMax ? { kind: 'full', bound: 'topics', limit: topicsMax } : undefined
  }

  #createBroker({ brokerName, clusterName }: Registration): Broker {
    const broker: Broker = {
      brokerName,
      cluster: clusterName,
      enableActingMaster: false,
      isDrained: this.#drainedAway.delete(brokerName),
      members: new Map(),
      topics: new Map(),
    }
    this.#brokers.set(brokerName, broker)
    return broker
  }

  /** Puts the address at its id, and there only: a slave that became the master leaves its old id. */
  #place(broker: Broker, { brokerId, brokerAddr, haServerAddr, body }: Registration): string[] {
    const before = broker.members.size
    for (const [id, member] of broker.members) if (member.brokerAddr === brokerAddr) broker.members.delete(id)
    const pushedOut = broker.members.get(brokerId)
    broker.members.set(brokerId, { brokerAddr, haServerAddr, dataVersion: body.dataVersion })
    this.#members += broker.members.size - before
    return pushedOut === undefined ? [] : [pushedOut.brokerAddr]
  }

  /** The master does, and without one the slave of the lowest id, unless it is older than 5.0. */
  #speaksForTopics(broker: Broker, { brokerId, enableActingMaster }: Registration): boolean {
    if (brokerId === MASTER_ID) return true
    return enableActingMaster !== undefined && brokerId === Math.min(...broker.members.keys())
  }

  #takeTopics(broker: Broker, { brokerId, body, isIncremental }: Registration, isChanged: boolean): void {
    if (this.#options.deleteTopicsNotAnnounced && !isIncremental) {
      for (const topic of broker.topics.keys()) if (!body.topicConfigTable.has(topic)) this.#removeTopic(broker, topic)
    }
    const isActing = brokerId !== MASTER_ID && broker.enableActingMaster
    for (const [topic, config] of body.topicConfigTable) {
      if (!isChanged && broker.topics.has(topic)) continue
      broker.topics.set(
        topic,
        queueDataOf(broker.brokerName, config, isActing ? config.perm & ~Perm.WRITE : config.perm),
      )
      const brokers = this.#brokersOfTopic.get(topic)
      if (brokers === undefined) this.#brokersOfTopic.set(topic, new Set([broker]))
      else brokers.add(broker)
    }
  }

  #removeTopic(broker: Broker, topic: string): void {
    broker.topics.delete(topic)
    const brokers = this.#brokersOfTopic.get(topic)
    brokers?.delete(broker)
    if (brokers?.size === 0) this.#brokersOfTopic.delete(topic)
  }

  #noteDrainedAway(brokerName: string): void {
    if (this.#drainedAway.size >= this.#options.brokersMax) {
      for (const oldest of this.#drainedAway) if (this.#drainedAway.delete(oldest)) break
    }
    this.#drainedAway.add(brokerName)
  }

  #removeBroker(broker: Broker): void {
    for (const topic of broker.topics.keys()) this.#removeTopic(broker, topic)
    this.#brokers.delete(broker.brokerName)
  }
}

function isOutdated({ brokerAddr, body }: Registration, holder: Member): boolean {
  return holder.brokerAddr !== brokerAddr && holder.dataVersion.stateVersion > body.dataVersion.stateVersion
}

function masterFor(broker: Broker, brokerId: number): { brokerAddr: string; haServerAddr: string } | undefined {
  return brokerId === MASTER_ID ? undefined : broker.members.get(MASTER_ID)
}

/** Nobody can write to slaves. Java: RouteInfoManager.cleanTopicByUnRegisterRequests. */
function stripWrite(broker: Broker): void {
  for (const [topic, queue] of broker.topics) {
    if (isWritable(queue.perm)) broker.topics.set(topic, { ...queue, perm: queue.perm & ~Perm.WRITE })
  }
}

function routedQueue({ isDrained }: Broker, queue: QueueData): QueueData {
  return isDrained ? { ...queue, perm: queue.perm & ~Perm.WRITE } : queue
}

function queueDataOf(brokerName: string, config: TopicConfig, perm: number): QueueData {
  const { readQueueNums, writeQueueNums, topicSysFlag } = config
  return { brokerName, readQueueNums, writeQueueNums, perm, topicSysFlag }
}

function brokerDataOf({ cluster, brokerName, members, enableActingMaster }: Broker): BrokerData {
  const brokerAddrs = new Map([...members].map(([brokerId, { brokerAddr }]) => [brokerId, brokerAddr]))
  return { cluster, brokerName, brokerAddrs, enableActingMaster }
}
