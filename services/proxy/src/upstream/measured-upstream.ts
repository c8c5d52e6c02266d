// An upstream that tells how long brokers take, and which of them fail.
import { MqError } from '@rocketmq-ts/model'
import type { Clock } from '@rocketmq-ts/runtime'
import type { Upstream } from './upstream.ts'

/** Requests to a broker, as metrics name them. */
export type UpstreamRequest = 'send' | 'pop' | 'ack' | 'change-invisible' | 'dead-letter' | 'end-transaction' | 'recall'

export interface UpstreamObserver {
  /** `tookMs` undefined: the request waits for messages. */
  answered(request: UpstreamRequest, tookMs: number | undefined): void
  /** `error`: the code of an MqError, or 'defect'. */
  failed(brokerName: string, request: UpstreamRequest, error: string): void
}

/** In place of the names of brokers that no route has named: those come from handles, and so from clients. */
const UNKNOWN_BROKER = 'unknown'
/** Names of brokers that are remembered, at most. */
const BROKERS_MAX = 1024

/** The same upstream; every request to a broker is told of. */
export function measureUpstream(upstream: Upstream, observer: UpstreamObserver, clock: Clock): Upstream {
  const named = new Set<string>()

  /** Of a route. */
  function note(brokerName: string): string {
    if (named.size < BROKERS_MAX) named.add(brokerName)
    return brokerName
  }

  async function measured<Value>(
    request: UpstreamRequest,
    brokerName: string,
    asked: Promise<Value>,
    waits = false,
  ): Promise<Value> {
    const startedMs = clock.monotonicMs()
    try {
      const value = await asked
      observer.answered(request, waits ? undefined : clock.monotonicMs() - startedMs)
      return value
    } catch (error) {
      const broker = named.has(brokerName) ? brokerName : UNKNOWN_BROKER
      observer.failed(broker, request, error instanceof MqError ? error.code : 'defect')
      throw error
    }
  }

  return {
    known: (topic) => upstream.known(topic),
    route: (topic) => upstream.route(topic),
    forget: (topic) => upstream.forget(topic),
    refresh: (topic) => upstream.refresh(topic),
    createTopic: (topic, queues) => upstream.createTopic(topic, queues),
    missingBrokers: () => upstream.missingBrokers(),
    topicFacts: (topic) => upstream.topicFacts(topic),
    groupSettings: (group, topic) => upstream.groupSettings(group, topic),
    send: (brokerName, record, timeoutMs) =>
      measured('send', note(brokerName), upstream.send(brokerName, record, timeoutMs)),
    recall: (brokerName, topic, recallHandle) =>
      measured('recall', brokerName, upstream.recall(brokerName, topic, recallHandle)),
    pop: (request) => measured('pop', note(request.brokerName), upstream.pop(request), true),
    ack: (deliveries) => measured('ack', deliveries[0]?.handle.brokerName ?? '', upstream.ack(deliveries)),
    changeInvisible: (delivery, invisibleMs) =>
      measured('change-invisible', delivery.handle.brokerName, upstream.changeInvisible(delivery, invisibleMs)),
    deadLetter: (delivery, messageId) =>
      measured('dead-letter', delivery.handle.brokerName, upstream.deadLetter(delivery, messageId)),
    endTransaction: (end) => measured('end-transaction', end.place.brokerName, upstream.endTransaction(end)),
    announceProducers: (topics) => upstream.announceProducers(topics),
    masters: () => upstream.masters(),
    tellClients: (address, proxy, news) => upstream.tellClients(address, proxy, news),
    close: () => upstream.close(),
  }
}
