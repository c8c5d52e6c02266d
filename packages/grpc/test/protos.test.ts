// Our protos against the official ones, as text in the npm package of the official Node client.
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from '@jest/globals'
import protobuf from 'protobufjs'
import { MessagingService } from '@rocketmq-ts/grpc/v2'

const FILES = ['definition', 'service', 'admin'].map((name) => `apache/rocketmq/v2/${name}.proto`)
const OURS = fileURLToPath(new URL('../../../protos', import.meta.url))
const OFFICIAL = join(dirname(createRequire(import.meta.url).resolve('rocketmq-client-nodejs/package.json')), 'proto')

function load(folder: string): protobuf.Root {
  const root = new protobuf.Root()
  const bundled = root.resolvePath.bind(root)
  root.resolvePath = (origin, target) =>
    target.startsWith('google/') ? (bundled(origin, target) as string) : join(folder, target)
  root.loadSync(FILES)
  root.resolveAll()
  return root
}

/** Everything that decides about bytes on the wire and names in code, one line each. */
function wireFacts(namespace: protobuf.NamespaceBase): string[] {
  return namespace.nestedArray.flatMap((nested): string[] => {
    const name = nested.fullName
    if (nested instanceof protobuf.Enum) {
      return Object.entries(nested.values).map(([key, value]) => `enum ${name} ${key} = ${value}`)
    }
    if (nested instanceof protobuf.Service) {
      return nested.methodsArray.map((rpc) => {
        const request = `${rpc.requestStream ? 'stream ' : ''}${rpc.resolvedRequestType?.fullName}`
        const answer = `${rpc.responseStream ? 'stream ' : ''}${rpc.resolvedResponseType?.fullName}`
        return `rpc ${name}/${rpc.name} ${request} → ${answer}`
      })
    }
    if (nested instanceof protobuf.Type) {
      return [`message ${name}`, ...nested.fieldsArray.map((field) => fieldFact(name, field)), ...wireFacts(nested)]
    }
    return nested instanceof protobuf.Namespace ? wireFacts(nested) : []
  })
}

function fieldFact(message: string, field: protobuf.Field): string {
  const label = field instanceof protobuf.MapField ? `map<${field.keyType}>` : field.repeated ? 'repeated' : ''
  const type = field.resolvedType?.fullName ?? field.type
  const packed = field.repeated ? ` packed=${field.packed}` : ''
  return `field ${message} ${field.id} ${field.protoName ?? field.name} ${label} ${type}${packed} in ${field.partOf?.name ?? '-'}`
}

const factsOf = (folder: string) => wireFacts(load(folder)).toSorted()

test('protos: ours and the official ones → the same messages, fields, enums and methods', () => {
  const facts = factsOf(OURS)
  expect(facts).toStrictEqual(factsOf(OFFICIAL))
  expect(facts.filter((fact) => fact.startsWith('message .apache')).length).toBeGreaterThan(60)
})

test.each([
  ['a number', 'int32 queue_id = 13;', 'int32 queue_id = 23;'],
  ['a type', 'int32 queue_id = 13;', 'int64 queue_id = 13;'],
  ['a name', 'int32 queue_id = 13;', 'int32 queue = 13;'],
  ['presence', 'optional int32 priority = 22;', 'int32 priority = 22;'],
  ['a label', 'repeated string keys = 2;', 'string keys = 2;'],
  [
    'a oneof',
    'int64 tail_n = 3;\n    // Milliseconds since the Unix epoch.\n    int64 timestamp = 4;\n  }',
    'int64 tail_n = 3;\n  }\n  int64 timestamp = 4;',
  ],
  ['a map', 'map<string, string> user_properties = 2;', 'map<string, bytes> user_properties = 2;'],
  ['an enum value', 'PRIORITY = 6;', 'PRIORITY = 7;'],
  ['a missing enum value', 'KOTLIN = 12;', ''],
  ['streaming', 'returns (stream ReceiveMessageResponse)', 'returns (ReceiveMessageResponse)'],
  ['an rpc’s request', 'rpc Heartbeat(HeartbeatRequest)', 'rpc Heartbeat(QueryRouteRequest)'],
  ['a missing rpc', 'rpc GetOffset(GetOffsetRequest) returns (GetOffsetResponse) {}', ''],
])('protos: a copy that differs in %s → the comparison sees it', (_what, from, to) => {
  const folder = mkdtempSync(join(tmpdir(), 'protos-'))
  try {
    cpSync(OURS, folder, { recursive: true })
    let changes = 0
    for (const file of FILES) {
      const path = join(folder, file)
      const text = readFileSync(path, 'utf8')
      if (!text.includes(from)) continue
      writeFileSync(path, text.replace(from, to))
      changes += 1
    }
    expect(changes).toBe(1)
    expect(factsOf(folder)).not.toStrictEqual(factsOf(OFFICIAL))
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('methods: the table → every rpc of the service with its path, kind and messages', () => {
  const service = load(OURS).lookupService('apache.rocketmq.v2.MessagingService')
  const declared = service.methodsArray.map((rpc) => [
    rpc.name,
    {
      path: `/apache.rocketmq.v2.MessagingService/${rpc.name}`,
      kind: rpc.requestStream ? 'bidirectional' : rpc.responseStream ? 'server-streaming' : 'unary',
      request: rpc.requestType,
      response: rpc.responseType,
    },
  ])
  const table = Object.entries(MessagingService).map(([name, { path, kind, request, response }]) => [
    name,
    { path, kind, request: request.name, response: response.name },
  ])
  expect(Object.fromEntries(table)).toStrictEqual(Object.fromEntries(declared))
})
