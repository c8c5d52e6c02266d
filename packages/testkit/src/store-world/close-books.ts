// The end of a run: whatever is left is consumed, the books must balance, the files must be what the log says, and built
// again from the log alone they must be the same.
import type { QueueLedger } from '@rocketmq-ts/broker'
import { subscriptionGroupConfig, SystemGroup, SystemTopic } from '@rocketmq-ts/model'
import type { Prng } from '../sim/index.ts'
import { BROKER_ADDRESS, type BrokerHost, STORE_ROOT } from './broker-host.ts'
import { checkDrained, checkLedgers, isSomethingLeft } from './check-end.ts'
import { checkHalves } from './check-halves.ts'
import { checkArrived, duesOf, noteArrived } from './check-waits.ts'
import { checkQueueFiles, type QueueFilesFacts } from './check-queue-files.ts'
import { INVISIBLE_MS_MAX } from './consuming.ts'
import type { LogReader } from './log-image.ts'
import { GroupModel, type Model } from './model.ts'
import type { Operations } from './operations.ts'
import { askUniqueKey } from './queries.ts'
import { removeDerived } from './rest-damage.ts'
import type { StorePlan } from './store-plan.ts'
import { checkKept, type QueueMins, readMins } from './topic-rules.ts'
import type { Verdict } from './verdict.ts'

const DRAINS_MAX = 30
/** Share of the messages that a rebuilt index is asked for. */
const REBUILT_ASKED = 0.05
/** So often a full disk is tried again by the broker, and it may take some tries. */
const ROOM_MS = 10_000
/** Of the last messages, and where the broker was restarted meanwhile. */
const ROUNDS_MORE = 4
/** A delayed message whose record can not be read is tried again after this time. */
const UNREADABLE_MS = 60_000
const AUDITOR = 'auditor'
const AUDITOR_RETRIES = 3

export interface ClosingDeps {
  readonly plan: StorePlan
  readonly host: BrokerHost
  readonly model: Model
  readonly operations: Operations
  readonly verdict: Verdict
  readonly random: Prng
  readonly log: LogReader
  /** Starts the broker on derived files that were changed. */
  start(): Promise<void>
  /** Stops it and starts it on what that left behind, so much later. */
  restart(jumpMs?: number): Promise<void>
  stop(): Promise<void>
  pause(forMs: number): Promise<void>
  whileUp(work: () => Promise<unknown>): Promise<void>
}

/** The broker runs, and nothing fails any more. */
export async function closeBooks(deps: ClosingDeps): Promise<void> {
  const { host, model, verdict, log, operations } = deps
  if (areQueuesChanged(host)) await addAuditor(deps)
  await drain(deps)
  const isSomeLate = duesNow(deps).size > 0
  await giveUpHalves(deps)
  if (isSomeLate) await bringDue(deps)
  checkArrived(model, log.read(), host.machine.nowMs, verdict)
  let mins: QueueMins = new Map()
  await deps.whileUp(async () => (mins = await readMins(host, model)))
  operations.judgeOrder(log.read(), mins)
  checkDrained(model, { image: log.read(), mins, host, verdict })
  await deps.whileUp(() => checkKept(host, model, verdict))
  checkLedgers(model, host.broker.ledger(), { image: log.read(), verdict })
  await deps.stop()
  checkFiles(deps, { whose: 'written live', wereChanged: areQueuesChanged(host) })
  if (deps.plan.isRebuilt) await rebuild(deps)
}

/** Files of consume queues were changed at rest. */
function areQueuesChanged({ faults }: BrokerHost): boolean {
  return Array.from(faults.keys()).some((name) => name.endsWith(': queue'))
}

/** A changed unit shows when it is read: this group reads all there are, and gets every message. */
async function addAuditor({ host, model, pause, restart, whileUp }: ClosingDeps): Promise<void> {
  // The start itself was on a disk that was full, or failed.
  if (host.life.isRefusing) await pause(ROOM_MS)
  if (host.life.isRefusing) await restart()
  const config = subscriptionGroupConfig(AUDITOR, { retryMaxTimes: AUDITOR_RETRIES })
  await whileUp(() => host.client.createSubscriptionGroup(BROKER_ADDRESS, config))
  const auditor = new GroupModel(AUDITOR)
  auditor.change(AUDITOR_RETRIES, host.log.written)(host.log.written)
  model.groups.push(auditor)
}

async function drain({ host, model, operations, pause, whileUp }: ClosingDeps): Promise<void> {
  for (let round = 0; round < DRAINS_MAX; round += 1) {
    await pause(INVISIBLE_MS_MAX + 1000)
    let got = 0
    await whileUp(async () => {
      for (const group of model.groups) {
        for (const topic of model.topics) {
          if (topic.value !== undefined && group.value !== undefined) got += await operations.drain(group, topic)
        }
      }
    })
    if (!host.isUp) break
    let mins: QueueMins = new Map()
    await whileUp(async () => (mins = await readMins(host, model)))
    // A damaged message takes a delivery for itself: its queue is compared with the log first, one message at a time.
    if (!host.isUp || (got === 0 && !isSomethingLeft(model, host.broker.ledger(), mins))) break
  }
}

/** Nobody answers the questions any more: what nobody has decided is given up. */
async function giveUpHalves({ host, model, log, operations, verdict, pause }: ClosingDeps): Promise<void> {
  operations.silence()
  const { immunityMs, intervalMs, checks } = model.checkBack
  await pause(immunityMs)
  for (let round = 0; round < checks + ROUNDS_MORE && halvesOf(host)?.lag !== 0; round += 1) await pause(intervalMs)
  if (host.isUp) checkHalves(model, { image: log.read(), row: halvesOf(host) }, verdict)
}

function halvesOf({ broker }: BrokerHost): QueueLedger | undefined {
  return broker.ledger().find(({ topic, group }) => topic === SystemTopic.HALF && group === SystemGroup.TRANSACTION)
}

function duesNow({ model, log, verdict }: ClosingDeps): ReturnType<typeof duesOf> {
  const image = log.read()
  noteArrived(model, image, verdict)
  return duesOf(model, image)
}

/** Those whose time has come are there, and not only after a start. Then the time of all others comes, while it is down. */
async function bringDue(deps: ClosingDeps): Promise<void> {
  const { host, model, log, verdict, pause } = deps
  await pause(UNREADABLE_MS)
  if (host.isUp && !host.life.areTimersOver) checkArrived(model, log.read(), host.machine.nowMs, verdict)
  const dues = duesNow(deps)
  if (dues.size > 0) await deps.restart(Math.max(0, Math.max(...dues.values()) - host.machine.nowMs))
  await drain(deps)
}

function checkFiles(
  { host, model, verdict, log, plan }: ClosingDeps,
  files: Pick<QueueFilesFacts, 'whose' | 'wereChanged'>,
): void {
  const { disk } = host.machine
  const fileBytes = plan.shape.settings.mappedFileSizeConsumeQueue ?? 0
  checkQueueFiles(
    model,
    { disk, root: STORE_ROOT, fileBytes, image: log.read(), nowMs: host.machine.nowMs, ...files },
    verdict,
  )
}

/** Without its derived files the broker builds them again, from the log alone, and nobody sees a difference. */
async function rebuild(deps: ClosingDeps): Promise<void> {
  const { host, model, random } = deps
  removeDerived(host.machine.disk, STORE_ROOT)
  host.damagedIndex.length = 0
  await deps.start()
  await deps.whileUp(async () => {
    for (const message of model.messages) {
      const topic = model.topic(message.topic)
      if (topic === undefined || !model.isCurrent(message) || !random.chance(REBUILT_ASKED)) continue
      await askUniqueKey(deps, topic, message)
    }
  })
  await deps.stop()
  // Whatever was changed before went with the old ones.
  checkFiles(deps, { whose: 'built again', wereChanged: false })
}
