// A first program with the Node SDK, as a person writes it: `node program.mjs <step> <endpoints> <topic> [group]`.
// It prints what it did, or the error as Node shows it.
import { Producer, SimpleConsumer } from 'rocketmq-client-nodejs'

const [, , step, endpoints, topic, group = 'first-readers'] = process.argv
const logger = { ...console, debug() {}, info() {}, warn() {}, error() {} }
const options = { endpoints, logger, requestTimeout: 5_000, sslEnabled: step.startsWith('tls-') }
const body = Buffer.from('hello')

const messages = {
  send: { topic, body },
  'tls-send': { topic, body },
  'send-fifo': { topic, body, messageGroup: 'one' },
  'send-later': { topic, body, delay: 10_000 },
}

async function send(message) {
  const producer = new Producer({ ...options, maxAttempts: 1 })
  await producer.startup()
  console.log('sent', (await producer.send(message)).messageId)
}

async function receive() {
  const subscriptions = new Map([[topic, '*']])
  const consumer = new SimpleConsumer({ ...options, consumerGroup: group, subscriptions, awaitDuration: 5_000 })
  await consumer.startup()
  const received = await consumer.receive(16, 15_000)
  for (const message of received) await consumer.ack(message)
  console.log('received and acknowledged', received.map((message) => message.body.toString()).join(', '))
}

try {
  await (step === 'receive' ? receive() : send(messages[step]))
  process.exit(0)
} catch (error) {
  console.error(error)
  process.exit(1)
}
