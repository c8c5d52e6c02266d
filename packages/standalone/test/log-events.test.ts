// Reads the sources of all that is shipped: what is logged where, and whether operators are told what to do.
import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { expect, test } from '@jest/globals'
import { BROKER_REMEDIES } from '@rocketmq-ts/broker'
import { GRPC_REMEDIES } from '@rocketmq-ts/grpc/node'
import { NAMESERVER_REMEDIES } from '@rocketmq-ts/nameserver'
import { PROXY_REMEDIES } from '@rocketmq-ts/proxy'
import { STANDALONE_REMEDIES } from '../src/events.ts'

const ROOT = resolve(import.meta.dirname, '../../..')
const WORKSHOP = ['testkit', 'tooling', 'bench']
const EVENT_NAME = /^[a-z]+(?:-[a-z]+)*(?:\.[a-z]+(?:-[a-z]+)*)+$/
const ALL = { ...BROKER_REMEDIES, ...NAMESERVER_REMEDIES, ...PROXY_REMEDIES, ...GRPC_REMEDIES, ...STANDALONE_REMEDIES }
const remedies: ReadonlyMap<string, string> = new Map(Object.entries(ALL))

function sourcesOf(folder: string): string[] {
  return readdirSync(join(ROOT, folder))
    .filter((name) => !WORKSHOP.includes(name))
    .flatMap((name) =>
      readdirSync(join(ROOT, folder, name, 'src'), { recursive: true, encoding: 'utf8' }).map((path) =>
        join(ROOT, folder, name, 'src', path),
      ),
    )
    .filter((path) => path.endsWith('.ts'))
    .map((path) => readFileSync(path, 'utf8'))
}

/** Events by the level they are logged at. */
function loggedEvents(): { readonly level: string; readonly event: string }[] {
  const sources = [...sourcesOf('packages'), ...sourcesOf('services')]
  return sources.flatMap((source) =>
    Array.from(
      source.matchAll(/\.(debug|info|warn|error)\(\s*\{\s*event: '([^']+)'/g),
      ([, level = '', event = '']) => ({
        level,
        event,
      }),
    ),
  )
}

test('log events: whatever is logged → called service.thing, and each error with what an operator must do', () => {
  const logged = loggedEvents()
  expect(logged.length).toBeGreaterThan(50)
  expect(logged.filter(({ event }) => !EVENT_NAME.test(event))).toEqual([])
  const errors = new Set(logged.filter(({ level }) => level === 'error').map(({ event }) => event))
  expect([...errors].filter((event) => !remedies.has(event))).toEqual([])
})

test('log events: a remedy → a sentence, for an event that is logged as a warning or an error', () => {
  const urgent = new Set(
    loggedEvents().flatMap(({ level, event }) => (['warn', 'error'].includes(level) ? [event] : [])),
  )
  for (const [event, remedy] of remedies) {
    expect(urgent).toContain(event)
    expect(remedy).toMatch(/^[A-Z].*\.$/)
  }
})

test('log events: the list for operators → every event with a remedy, and no other', () => {
  const [, readme = ''] = readFileSync(join(ROOT, 'deploy/monitoring/README.md'), 'utf8').split('\n## Log\n')
  const rows = Array.from(readme.matchAll(/^\| `([a-z.-]+)` +\| (.*?) +\|$/gm), ([, event, remedy]) => [event, remedy])
  const sorted = (pairs: Iterable<unknown[]>) => [...pairs].map((pair) => pair.join(': ')).sort()
  expect(sorted(rows)).toEqual(sorted(remedies))
})
