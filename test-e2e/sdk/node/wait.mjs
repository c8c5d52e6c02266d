// Waits for messages that nobody sends, with the official Node client. Arguments: endpoints, topic.
import { SimpleConsumer } from 'rocketmq-client-nodejs'

const [endpoints, topic] = process.argv.slice(2)
const logger = { debug() {}, info() {}, warn() {}, error() {} }
const subscriptions = new Map([[topic, '*']])
const consumer = new SimpleConsumer({ endpoints, logger, consumerGroup: `${topic}-waiting`, subscriptions })
await consumer.startup()
const poll = consumer.receive(1)
console.log('waiting')
await poll
