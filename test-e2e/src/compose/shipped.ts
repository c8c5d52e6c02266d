// What is shipped: the size of the image, and what its containers may do, write and publish.
import { type Checks } from '../checks.ts'
import { expectThat, runCheck } from '../steps.ts'
import type { Cluster } from './cluster.ts'

const IMAGE_BYTES_MAX = 250_000_000
/**
 * node:24-bookworm-slim as it is published (24.19.0, amd64, all layers on disk), from docker-library/repo-info,
 * repos/node/local/24.19-bookworm-slim.md. The image of that name on this machine may be another one.
 */
const BASE_BYTES = 229_080_000
const OWN_BYTES_MAX = IMAGE_BYTES_MAX - BASE_BYTES
const MEGABYTE = 1_000_000
/** What a plain `docker compose up` starts; the rest is behind profiles. */
const SERVICES = ['broker', 'nameserver-a', 'nameserver-b', 'proxy']
const VOLUME = /_brokers$/
const CLIENT_PORT = '8081'

interface PsLine {
  readonly Name: string
  readonly Health: string
}

export async function checkShipped(checks: Checks, cluster: Cluster): Promise<void> {
  await runCheck(checks, `image: below ${IMAGE_BYTES_MAX / MEGABYTE} MB on the published base`, async () => {
    const { own, total } = await cluster.imageBytes()
    expectThat(own > 0 && own < OWN_BYTES_MAX, `${own} bytes of its own, the most is ${OWN_BYTES_MAX}`)
    const [ownMb, totalMb, baseMb] = [own, total, BASE_BYTES].map((bytes) => (bytes / MEGABYTE).toFixed(1))
    return `${ownMb} MB of its own and ${baseMb} MB; ${totalMb} MB on the base of this machine`
  })
  await runCheck(checks, 'compose ps: a plain up starts the cluster and nothing else, and all of it is healthy', () =>
    expectHealthy(cluster, SERVICES.length),
  )
  await runCheck(
    checks,
    'containers: not root, read-only but for data, no volume but that of the brokers',
    async () => {
      const running = await cluster.running()
      for (const { name, service, user, hasReadOnlyRoot, volumes } of running) {
        expectThat(user === 'node', `${name} runs as ${user === '' ? 'root' : user}`)
        expectThat(hasReadOnlyRoot, `${name} can write to its root file system`)
        const expected = service === 'broker' ? 1 : 0
        const isExpected = volumes.length === expected && volumes.every((volume) => VOLUME.test(volume))
        expectThat(isExpected, `${name} has the volumes ${volumes.join(', ')}`)
      }
      return `${running.length} containers`
    },
  )
  await runCheck(checks, 'containers: proxies are published on loopback, nothing else is', () =>
    expectPublished(cluster),
  )
}

/** Throws unless `docker compose ps` shows so many containers, all healthy. */
export async function expectHealthy(cluster: Cluster, containers: number): Promise<string> {
  const text = await cluster.compose('ps', '--all', '--format', 'json')
  const lines = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as PsLine)
  const ill = lines.filter(({ Health }) => Health !== 'healthy').map(({ Name, Health }) => `${Name} is ${Health}`)
  expectThat(ill.length === 0, ill.join(', '))
  const names = lines.map(({ Name }) => Name).join(', ')
  expectThat(lines.length === containers, `${lines.length} containers instead of ${containers}: ${names}`)
  return `${lines.length} containers`
}

/** Throws unless each proxy is published on loopback, where `docker compose port` says, and nothing else is. */
export async function expectPublished(cluster: Cluster): Promise<string> {
  const told: string[] = []
  for (const { name, service, published } of await cluster.running()) {
    const isRight = published.length === (service === 'proxy' ? 1 : 0)
    const isLoopback = published.every((address) => address.startsWith('127.0.0.1:'))
    expectThat(isRight && isLoopback, `${name} is published on ${published.join(', ')}`)
    if (service !== 'proxy') continue
    const index = name.split('-').at(-1) ?? ''
    const said = (await cluster.compose('port', '--index', index, 'proxy', CLIENT_PORT)).trim()
    expectThat(said === published[0], `compose port says ${said} of ${name}, which is on ${published.join(', ')}`)
    told.push(said)
  }
  return told.join(', ')
}
