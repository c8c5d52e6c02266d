// The map of ARCHITECTURE.md against the code: what the outside sees of us has a row, and a row names what is there.
// The kinds of files are compared in packages/testkit/test/file-kinds.test.ts, where they are written.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from '@jest/globals'

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))
const textOf = (path: string) => readFileSync(join(ROOT, path), 'utf8')

interface Row {
  readonly name: string
  readonly source: string
  readonly test: string
}

/** The cells of the table below a heading. */
function cellsBelow(heading: string): string[][] {
  const [, section = ''] = textOf('ARCHITECTURE.md').split(`### ${heading}\n`)
  const lines = section.split(/^##/m, 1)[0]?.split('\n') ?? []
  const [, , ...rows] = lines.filter((line) => line.startsWith('|')).map((line) => line.split('|').slice(1, -1))
  return rows.map((cells) => cells.map((cell) => cell.trim()))
}

const withoutQuotes = (cell = '') => cell.replaceAll('`', '')
const folderOf = (part: string) => (part === 'remoting' ? 'packages/remoting' : `services/${part}`)

const methodRows = cellsBelow('gRPC methods').map(([method, source, tested]): Row => ({
  name: withoutQuotes(method),
  source: `services/proxy/src/rpc/${source}`,
  test: `services/proxy/test/rpc/${tested}`,
}))
/** `name` is the code, the part that has it, and its name. */
const codeRows = cellsBelow('Request codes').map(([code, of = '', source, tested]): Row => ({
  name: `${of} ${withoutQuotes(code)}`,
  source: `${folderOf(of)}/src/${source}`,
  test: `${folderOf(of)}/test/${tested}`,
}))
const fileRows = cellsBelow('Files').map(([file, source = '', tested = '']): Row => ({
  name: withoutQuotes(file),
  source,
  test: tested,
}))

/** Every declared request: the name of its declaration by the name of its code. */
function declarations(): Map<string, string> {
  const folder = 'packages/remoting/src/requests'
  const found = readdirSync(join(ROOT, folder)).flatMap((name) => {
    const declared = textOf(`${folder}/${name}`).matchAll(/const (\w+) = defineRequest\(\{\s*code: RequestCode\.(\w+)/g)
    return [...declared].map(([, declaration = '', code = '']): [string, string] => [code, declaration])
  })
  return new Map(found)
}

/** `<part> <number> <NAME>` of every declared request; the part that answers it, or `remoting`. */
function requestNames(): string[] {
  const codes = textOf('packages/remoting/src/codec/codes.ts')
  const tables = ['broker', 'nameserver'].map((service) => ({
    service,
    entries: new Set(
      [...textOf(`services/${service}/src/request-table.ts`).matchAll(/\brequest: (\w+)/g)].map(([, name]) => name),
    ),
  }))
  return [...declarations()].flatMap(([code, declaration]) => {
    const [, number = 'without a number'] = new RegExp(String.raw`^  ${code}: (\d+),`, 'm').exec(codes) ?? []
    const answering = tables.filter(({ entries }) => entries.has(declaration)).map(({ service }) => service)
    return (answering.length === 0 ? ['remoting'] : answering).map((part) => `${part} ${number} ${code}`)
  })
}

test('map: gRPC methods → all of the protocol, and no other', () => {
  const [, service = ''] = textOf('protos/apache/rocketmq/v2/service.proto').split('service MessagingService {')
  const methods = [...service.matchAll(/\brpc (\w+)\s*\(/g)].map(([, name]) => name)
  expect(methods.length).toBeGreaterThan(10)
  expect(methodRows.map(({ name }) => name).toSorted()).toEqual(methods.toSorted())
})

test('map: request codes → all that are declared, at the service that answers them, and no other', () => {
  const names = requestNames()
  expect(names.length).toBeGreaterThan(20)
  expect(codeRows.map(({ name }) => name).toSorted()).toEqual(names.toSorted())
})

test.each([...methodRows, ...codeRows, ...fileRows])('map: $name → its source and its test are there', (row) => {
  expect([row.source, row.test].filter((path) => !existsSync(join(ROOT, path)))).toEqual([])
  expect(row.test).toMatch(/\.test\.ts$/)
})

test.each(methodRows)('map: $name → its test speaks of it', ({ name, test: path }) => {
  expect(textOf(path).toLowerCase()).toContain(name.toLowerCase())
})

test.each(codeRows)('map: $name → its test speaks of it', ({ name, test: path }) => {
  const code = name.split(' ').at(-1) ?? ''
  const text = textOf(path)
  const said = [code, declarations().get(code) ?? code].filter((word) => text.includes(word))
  expect(said).not.toEqual([])
})
