import { expect, test } from '@jest/globals'
import { deflateSync } from 'node:zlib'
import { ByteWriter, utf8Encode } from '@rocketmq-ts/bytes'
import type { FailureAnswer, IncomingRequest, RegisterBrokerHeader } from '@rocketmq-ts/remoting'
import { MqError } from '@rocketmq-ts/model'
import { createRegisterBroker } from '../../src/handlers/register-broker.ts'
import type { Registration } from '../../src/route-table.ts'

const MIB = 1024 * 1024
const config = { brokerTimeoutMs: 120_000, registerBodyBytesMax: MIB, topicsMax: 10 }

/** What the routes are told of a registration with this body. */
function registeredBy(body: Uint8Array, changes: Partial<RegisterBrokerHeader> = {}): Registration | undefined {
  let registered: Registration | undefined
  const handle = createRegisterBroker({
    config,
    registrations: {
      register(registration) {
        registered = registration
        return { kind: 'registered', isNew: true, left: [], master: undefined }
      },
    },
  })
  const header = { clusterName: 'C', brokerName: 'b', brokerAddr: 'h:1', brokerId: 0, ...changes }
  handle({
    header,
    body,
    respond: (_answer: object | FailureAnswer) => {},
  } as unknown as IncomingRequest<RegisterBrokerHeader>)
  return registered
}

function apacheCompressed(topics: readonly string[]): Uint8Array {
  const writer = ByteWriter.growing(MIB)
  const part = (text: string) => {
    const bytes = utf8Encode(text)
    writer.int32(bytes.length, 'length').view(bytes, 'text')
  }
  part('{"counter":1,"stateVersion":0,"timestamp":1}')
  writer.int32(topics.length, 'count')
  for (const topic of topics) part(topic)
  part('[]')
  return deflateSync(writer.int32(0, 'mappings').written())
}

test('registration: compressed by Apache while the header says it is not → read all the same', () => {
  const body = apacheCompressed(['A 8 8 6 SINGLE_TAG {}', 'B 4 4 6 SINGLE_TAG {}'])
  const table = registeredBy(body, { compressed: false })?.body.topicConfigTable
  expect([...(table?.keys() ?? [])]).toEqual(['A', 'B'])
})

test('registration: old broker without optional fields → defaults', () => {
  const body = utf8Encode('{"topicConfigSerializeWrapper":{"topicConfigTable":{"A":{"topicName":"A"}}}}')
  expect(registeredBy(body)).toMatchObject({ haServerAddr: '', enableActingMaster: undefined, brokerId: 0 })
})

test('registration: inflates beyond the limit, or has too many topics → refused before anything is registered', () => {
  expect(() => registeredBy(deflateSync(new Uint8Array(2 * MIB)))).toThrow(MqError)
  const many = Array.from({ length: 11 }, (_, index) => `T${index} 1 1 6 SINGLE_TAG {}`)
  expect(() => registeredBy(apacheCompressed(many))).toThrow('at most 10')
})
