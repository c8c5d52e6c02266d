import { expect, test } from '@jest/globals'
import { MqError } from '@rocketmq-ts/model'
import { createManualEffects } from '@rocketmq-ts/testkit'
import {
  allowAll,
  createDirectPeers,
  createRequestTable,
  defineRequest,
  dispatchRequests,
  tableEntry,
  text,
  type Action,
  type Authorize,
  type IncomingRequest,
  type RemotingEvent,
  type RequestHeaderOf,
  type Resource,
} from '../src/index.ts'
import { LaxEcho } from './support/example-requests.ts'

const Example = defineRequest({ code: 7002, name: 'EXAMPLE', header: { topic: text() }, answer: {} })
type Handle = (request: IncomingRequest<RequestHeaderOf<typeof Example>, object>) => void | Promise<void>

async function ask(handle: Handle, authorize: Authorize = allowAll, ask = Example, header = { topic: 'T' }) {
  const effects = createManualEffects()
  const errors: RemotingEvent[] = []
  const log = (event: RemotingEvent): void => void errors.push(event)
  const entry = tableEntry({
    request: Example,
    resource: ({ topic }) => [
      { kind: 'topic', name: topic },
      { kind: 'group', name: 'G' },
    ],
    action: 'sub',
    handle,
  })
  const handlerB = dispatchRequests({
    table: createRequestTable([entry]),
    authorize,
    logger: { debug() {}, info() {}, warn: log, error: log },
  })
  const [client] = createDirectPeers({ ...effects, handlerA: () => {}, handlerB })
  const answer = client.request(ask, header, { timeoutMs: 1000 })
  await effects.settle()
  return { answer: await answer, errors }
}

test('request table: a known code → the handler sees the domain object', async () => {
  const { answer } = await ask((request) => request.respond({ code: 0, body: Buffer.from(request.header.topic) }))
  expect(answer).toMatchObject({ code: 0, body: Buffer.from('T') })
})

test('request table: an unknown code → 3 with the code in the remark', async () => {
  const unknown = defineRequest({ code: 4711, name: 'UNKNOWN', header: { topic: text() }, answer: {} })
  const { answer } = await ask(() => {}, allowAll, unknown)
  expect(answer).toEqual({ code: 3, remark: expect.stringContaining('4711') })
})

test('request table: a missing field → 29 that names it; the handler is not called', async () => {
  const lax = { ...(LaxEcho as unknown as typeof Example), code: 7002 }
  const { answer } = await ask(() => expect(true).toBe(false), allowAll, lax)
  expect(answer).toEqual({ code: 29, remark: "EXAMPLE: field 'topic': is mandatory and missing" })
})

test('request table: the gate → asked for every resource before the handler; a refusal answers 16', async () => {
  const asked: [string, string, string, Action][] = []
  const authorize: Authorize = (principal, resource: Resource, action) => {
    asked.push([principal.name, resource.kind, resource.name, action])
    return resource.kind === 'topic'
  }
  const { answer } = await ask(() => expect(true).toBe(false), authorize)
  expect(asked).toEqual([
    ['anonymous', 'topic', 'T', 'sub'],
    ['anonymous', 'group', 'G', 'sub'],
  ])
  expect(answer).toEqual({ code: 16, remark: "EXAMPLE: anonymous may not sub group 'G'" })
})

test.each([
  [
    'throws',
    () => {
      throw new MqError('topic-not-found', 'topic T does not exist; create it')
    },
  ],
  ['rejects with', () => Promise.reject(new MqError('topic-not-found', 'topic T does not exist; create it'))],
])('request table: a handler that %s an MqError → its response code and message', async (_how, handle) => {
  const { answer, errors } = await ask(handle)
  expect(answer).toEqual({ code: 17, remark: 'topic T does not exist; create it' })
  expect(errors).toEqual([])
})

test('request table: a handler that fails otherwise → 1 for the caller, an error event for us', async () => {
  const { answer, errors } = await ask(() => {
    throw new TypeError('x is undefined')
  })
  expect(answer).toEqual({ code: 1, remark: 'x is undefined' })
  expect(errors).toEqual([expect.objectContaining({ event: 'handler.failed', requestCode: 7002 })])
})

test('request table: two rows of one code → refused when it is built', () => {
  const row = tableEntry({ request: Example, resource: () => [], action: 'get', handle: () => {} })
  expect(() => createRequestTable([row, row])).toThrow(/two handlers/)
})
