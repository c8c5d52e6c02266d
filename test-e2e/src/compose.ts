// `npm run e2e:compose`: the compose section of README.md word for word, from the clone of the commit to a received
// message; then that cluster, scaled, stopped in parts, drained, taken down and brought up again under running producers
// and consumers. Nothing acknowledged may be lost. Needs a container engine with `docker compose`; all ports are on
// loopback.
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createChecks, someOf } from './checks.ts'
import type { Cluster } from './compose/cluster.ts'
import { checkData } from './compose/data.ts'
import { checkDraining } from './compose/draining.ts'
import { createLoad, type Load } from './compose/load.ts'
import { checkOutages } from './compose/outages.ts'
import { createRawTraffic } from './compose/raw-traffic.ts'
import { runReadme } from './compose/readme.ts'
import { checkScaling } from './compose/scaling.ts'
import { createScene } from './compose/scene.ts'
import { createSdkTraffic } from './compose/sdk-traffic.ts'
import { checkShipped } from './compose/shipped.ts'
import { terminalEnv } from './first-hour/toolbox.ts'
import { runProcess } from './processes.ts'
import { createTell, makeScratch } from './scratch.ts'
import { expectThat, runCheck } from './steps.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
/** The folder that the README clones into. */
const CLONE = 'rocketmq-ts'
const GIT_MS_MAX = 10_000

const checks = createChecks(createTell())
const scratch = makeScratch('compose')

async function checkReadme({ environment }: Cluster): Promise<boolean> {
  return runCheck(checks, 'README.md: its commands, word for word, from the clone to a received message', async () => {
    // As it is committed, like all that is cloned.
    const { stdout: readme } = await runProcess('git', ['show', 'HEAD:README.md'], {
      cwd: ROOT,
      deadlineMs: GIT_MS_MAX,
    })
    const env = terminalEnv(process.env['PATH'] ?? '', environment)
    const printed = await runReadme({ readme, repository: ROOT, folder: scratch, env })
    return printed.split('\n').at(-1)
  })
}

/** What must hold of all that the clients have seen. */
async function checkLoads(loads: readonly Load[]): Promise<void> {
  for (const load of loads) {
    await runCheck(
      checks,
      `${load.topic}: all that was acknowledged was received, nothing else, and nothing INTERNAL`,
      () => {
        const { acknowledged, received, again } = load.counts
        const missing = load.missing()
        expectThat(missing.length === 0, `lost ${someOf(missing)}`)
        expectThat(load.foreign.length === 0, `nobody sent ${someOf(load.foreign)}`)
        const internal = load.internal()
        expectThat(internal.length === 0, someOf(internal))
        return `${acknowledged} acknowledged, ${received} received, ${again} more than once`
      },
    )
    for (const [kind, count] of load.failures) console.log(`        ${load.topic} failed ${count} times: ${kind}`)
  }
}

async function runSuite(cluster: Cluster): Promise<void> {
  if (!(await checkReadme(cluster))) return
  await checkShipped(checks, cluster)
  const proxies = await cluster.proxies()
  const loads = [
    createLoad(createRawTraffic('compose-raw', proxies)),
    createLoad(await createSdkTraffic('compose-sdk', proxies)),
  ]
  try {
    const scene = createScene(checks, cluster, loads)
    await scene.step('raw gRPC and the official Node SDK send and receive', async () => {
      for (const load of loads) {
        await load.open()
        load.consume()
        load.produce()
      }
      await scene.goesOn()
    })
    await checkScaling(scene)
    await checkOutages(scene)
    await checkDraining(scene)
    await checkData(scene)
    for (const load of loads) await load.stopProducing()
    await runCheck(checks, 'the last messages arrive', () => scene.allArrives())
    await checkLoads(loads)
    await runCheck(checks, 'containers: none logged an error, ended by itself or ran out of memory', async () => {
      const complaints = await scene.complaints()
      expectThat(complaints.length === 0, someOf(complaints))
    })
  } finally {
    await Promise.all(loads.map((load) => load.close()))
  }
}

try {
  // Its helper container would have to be pulled, and would do what the end of this suite does. Read at the import.
  process.env['TESTCONTAINERS_RYUK_DISABLED'] = 'true'
  const { createCluster } = await import('./compose/cluster.ts')
  const cluster = await createCluster(join(scratch, CLONE))
  await cluster.remove() // what a run left behind that was killed
  try {
    await runSuite(cluster)
  } finally {
    await cluster.remove()
  }
} catch (error) {
  checks.check('the suite runs to its end', false, error instanceof Error ? error.stack : String(error))
}
console.log(checks.summary())
process.exit(checks.failed === 0 ? 0 : 1)
