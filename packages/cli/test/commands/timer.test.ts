import { expect, test } from '@jest/globals'
import { formatRecallHandle } from '@rocketmq-ts/model'
import { startCluster } from '../cli-harness.ts'

test('send --delay: received when its time has come, not before', async () => {
  const { rmq, advance } = await startCluster()
  await rmq('topic create reminders --queues 1 --type DELAY')
  const sent = await rmq('send reminders later --delay 30s')
  expect([sent.code, sent.out]).toEqual([0, expect.stringContaining('to reminders: broker-a, delivered later.')])
  expect((await rmq('receive reminders --group g --wait 1s')).out).toBe('')
  await advance(30_000)
  expect((await rmq('receive reminders --group g')).out).toContain('\nlater\n')
})

test('timer recall: with the handle that send told → never received; again → the reason, exit code 1', async () => {
  const { rmq, advance } = await startCluster()
  await rmq('topic create reminders --type DELAY')
  const { messages } = (await rmq('send reminders never --delay 30s --json')).json<{
    messages: { messageId: string; recallHandle: string }[]
  }>()
  const [{ messageId, recallHandle } = { messageId: '', recallHandle: '' }] = messages
  const recalled = await rmq(`timer recall ${recallHandle}`)
  expect(recalled).toMatchObject({ code: 0, out: expect.stringContaining(`Message ${messageId} of reminders, due `) })
  const again = await rmq(`timer recall ${recallHandle}`)
  expect([again.code, again.out]).toEqual([1, ''])
  expect(again.err).toContain('it was delivered or recalled')
  await advance(60_000)
  expect((await rmq('receive reminders --group g --wait 1s')).out).toBe('')
})

test('timer recall: no handle, or one of a broker that nobody knows → usage error, or who is there', async () => {
  const { rmq } = await startCluster()
  expect(await rmq('timer recall nonsense')).toMatchObject({ code: 2, err: expect.stringContaining('recall handle') })
  const handle = formatRecallHandle({ topic: 'T', brokerName: 'broker-z', dueMs: 1, uniqueKey: 'k' })
  const unknown = await rmq(`timer recall ${handle}`)
  expect(unknown).toMatchObject({ code: 1, err: expect.stringContaining("no broker 'broker-z' is registered") })
})
