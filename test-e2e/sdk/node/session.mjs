// A session as an application has it: a producer that sends for ever, a simple and a push consumer, each told of as a JSON
// line {session, by, event, ms, seq or detail}, whatever happens to the servers meanwhile.
import { setTimeout as sleep } from 'node:timers/promises'
import { ConsumeResult } from 'rocketmq-client-nodejs'

const INVISIBLE_MS = 10_000
const BATCH = 32
/** Receives without a message before a pause: two for each queue, and so for each broker. */
const EMPTY_MAX = 4

/** Starts it with clients that are connected; from one message to the next it is `pauseMs`, or longer. */
export function startSession({ name, topic, pauseMs, producer, simple, startPush, hasEnded }) {
  const tell = (by, event, more) => {
    if (!hasEnded()) console.log(JSON.stringify({ session: name, by, event, ms: Date.now(), ...more }))
  }
  const received = (by, message) => tell(by, 'received', { seq: Number(message.body.toString()) })

  /** Each time after the pause, if it did not take longer; what fails is told. */
  async function forever(by, work) {
    while (!hasEnded()) {
      const pause = sleep(pauseMs)
      try {
        await work()
      } catch (error) {
        tell(by, 'failed', { detail: String(error) })
      }
      await pause
    }
  }

  let seq = 0
  void forever('producer', async () => {
    seq += 1
    const sent = seq
    await producer.send({ topic, body: Buffer.from(`${sent}`) })
    tell('producer', 'sent', { seq: sent })
  })
  void forever('simple', async () => {
    for (let empty = 0; empty < EMPTY_MAX;) {
      const messages = await simple.receive(BATCH, INVISIBLE_MS)
      for (const message of messages) {
        received('simple', message)
        await simple.ack(message)
      }
      empty = messages.length === 0 ? empty + 1 : 0
    }
  })
  return startPush((message) => {
    received('push', message)
    return ConsumeResult.SUCCESS
  })
}
