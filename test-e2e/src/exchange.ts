// `npm run e2e:exchange -- [--messages N] [--only apache-first,ours-first] [--record] [--keep]`: one folder goes from
// Apache's broker of Maven Central to ours and back, and the other way round, also after a kill; each finds what the
// other left.
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { apacheVersion, fetchApache, missingForApache } from './apache/class-path.ts'
import { createChecks, someOf } from './checks.ts'
import { chosen } from './chosen.ts'
import { apacheFirst } from './exchange/apache-first.ts'
import { Book } from './exchange/load.ts'
import { startNameserver } from './exchange/ours.ts'
import { oursFirst } from './exchange/ours-first.ts'
import { GOLDEN_SETTINGS, recordCleanStop, recordKilled, recordPopped } from './exchange/record-golden.ts'
import { Scene } from './exchange/scene.ts'
import { createSite } from './exchange/site.ts'
import { createTell, makeScratch } from './scratch.ts'
import { takeServices } from './server.ts'

const MESSAGES = '100000'
/** Groups take up to 320 messages of one topic of twenty, more than once. */
const MESSAGES_MIN = 20_000
const SCENES = [
  { name: 'apache-first', play: apacheFirst },
  { name: 'ours-first', play: oursFirst },
]

const { values } = parseArgs({
  options: {
    messages: { type: 'string', default: MESSAGES },
    only: { type: 'string' },
    record: { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
  },
})
const RECORDINGS = [
  { name: 'record-clean-stop', play: recordCleanStop },
  { name: 'record-killed', play: recordKilled },
  { name: 'record-popped', play: recordPopped },
]

const messages = Number(values.messages)
if (!Number.isSafeInteger(messages) || messages < MESSAGES_MIN) {
  throw new Error(`--messages: ${values.messages} is not a whole number from ${MESSAGES_MIN} on`)
}
const scenes = chosen(values.only, 'scene', values.record ? RECORDINGS : SCENES, ({ name }) => name)
const tell = createTell()
const checks = createChecks(tell)

async function run(): Promise<void> {
  const scratch = makeScratch('exchange', { keep: values.keep })
  console.log(`e2e:exchange: ${messages} messages, Apache's broker ${apacheVersion()}, in ${scratch}`)
  const classPath = await fetchApache()
  const services = takeServices()
  const nameserver = await startNameserver(services, join(scratch, 'nameserver.log'))
  for (const { name, play } of scenes) {
    const site = await createSite({
      name,
      scratch,
      classPath,
      services,
      nameserverPort: nameserver.port,
      tell,
      ...(values.record && { apacheSettings: GOLDEN_SETTINGS, segmentBytes: GOLDEN_SETTINGS.mappedFileSizeCommitLog }),
    })
    await runScene(name, () => play(new Scene({ site, book: new Book(), messages, checks, tell })))
    checks.check(
      `${name}: no broker's log says that the store is wrong`,
      site.complaints.length === 0,
      someOf(site.complaints),
    )
  }
  await nameserver.stop()
}

/** What stops a scene is one failure; the next scene has a folder of its own. */
async function runScene(name: string, play: () => Promise<void>): Promise<void> {
  try {
    await play()
    checks.check(`${name} is played to its end`, true)
  } catch (error) {
    checks.check(`${name} is played to its end`, false, error instanceof Error ? error.message : String(error))
  }
}

const missing = missingForApache()
if (missing.length > 0)
  checks.skip("e2e:exchange is skipped: Apache's broker can not run", `${missing.join(', ')} missing`)
else await run()
console.log(checks.summary())
process.exit(checks.failed > 0 ? 1 : 0)
