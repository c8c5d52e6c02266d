// REGISTER_BROKER: a broker and its topics. Java: DefaultRequestProcessor.registerBroker.
import { crc32Of31Bits } from '@rocketmq-ts/bytes'
import { decodeRegisterBrokerBody, MqError } from '@rocketmq-ts/model'
import {
  ResponseCode,
  type IncomingRequest,
  type RegisterBrokerAnswer,
  type RegisterBrokerHeader,
} from '@rocketmq-ts/remoting'
import { checkBroker } from '../broker-identity.ts'
import type { NameServerConfig } from '../config.ts'
import type { Registrations } from '../registrations.ts'
import type { RegisterOutcome } from '../route-table.ts'

/** Longest time-out a broker may ask for. */
export const BROKER_TIMEOUT_MS_MAX = 86_400_000

export interface RegisterBrokerDeps {
  readonly registrations: Pick<Registrations, 'register'>
  readonly config: Pick<NameServerConfig, 'brokerTimeoutMs' | 'registerBodyBytesMax' | 'topicsMax'>
}

export function createRegisterBroker({ registrations, config }: RegisterBrokerDeps) {
  return (request: IncomingRequest<RegisterBrokerHeader, RegisterBrokerAnswer>): void => {
    const { header, body, peer } = request
    checkBroker(header)
    checkCrc(body, header.bodyCrc32 ?? 0)
    const timeoutMs = timeoutOf(header.heartbeatTimeoutMs, config.brokerTimeoutMs)
    const limits = { bytesMax: config.registerBodyBytesMax, topicsMax: config.topicsMax }
    const { clusterName, brokerName, brokerId, brokerAddr, haServerAddr = '', enableActingMaster } = header
    const { isIncremental = false } = header
    const outcome = registrations.register(
      {
        clusterName,
        brokerName,
        brokerId,
        brokerAddr,
        haServerAddr,
        enableActingMaster,
        isIncremental,
        body: decodeRegisterBrokerBody(body, limits),
      },
      timeoutMs,
      peer,
    )
    request.respond(answerOf(outcome, brokerName))
  }
}

function checkCrc(body: Uint8Array, announced: number): void {
  if (announced === 0) return
  const actual = crc32Of31Bits(body)
  if (actual !== announced) {
    throw new MqError(
      'damaged',
      `REGISTER_BROKER: crc32 not match: the header says ${announced}, the body has ${actual}`,
    )
  }
}

function timeoutOf(asked: number | undefined, otherwise: number): number {
  if (asked === undefined) return otherwise
  if (asked > 0 && asked <= BROKER_TIMEOUT_MS_MAX) return asked
  throw new MqError('parameter-invalid', `heartbeatTimeoutMillis: ${asked} is not from 1 to ${BROKER_TIMEOUT_MS_MAX}`)
}

function answerOf(outcome: RegisterOutcome, brokerName: string) {
  switch (outcome.kind) {
    case 'registered': {
      const { master } = outcome
      const header = master === undefined ? {} : { masterAddr: master.brokerAddr, haServerAddr: master.haServerAddr }
      return { code: ResponseCode.SUCCESS, header }
    }
    case 'outdated':
      // Java answers success too: the broker learns of its successor from its controller, not from here.
      return { code: ResponseCode.SUCCESS, header: {} }
    case 'incomplete':
      return {
        code: ResponseCode.SYSTEM_ERROR,
        remark: `register broker failed: the first registration of ${brokerName} announces only a change; announce all topics`,
      }
    case 'full':
      return {
        code: ResponseCode.SYSTEM_BUSY,
        remark: `register broker failed: ${outcome.limit} ${outcome.bound} are registered; raise ${outcome.bound}Max`,
      }
  }
}
