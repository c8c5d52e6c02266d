// What each official client can do with us, feature by feature: 'ok', or why the client has no such thing. A cell that
// turns out otherwise, in either direction, is a failure of e2e:sdk.
import type { LanguageName } from './languages.ts'

/** `none: ` and the reason that the program gives. */
export type Cell = 'ok' | `none: ${string}`

export interface Feature {
  readonly title: string
  /** No scenario of the programs: operators do it with the clients of this scenario. */
  readonly after?: string
  /** Without one for a language, its program is not asked. */
  readonly cells: Readonly<Partial<Record<LanguageName, Cell>>>
}

const PROMISES: Cell = 'none: every call returns a promise'
const FUTURES: Cell = 'none: every call returns a future'
const ONE_MESSAGE: Cell = 'none: a request has one message'
const SILENT: Cell = 'none: it does not answer'
const NO_PUSH: Cell = 'none: the crate has no push consumer'

function everywhere(except: Partial<Record<LanguageName, Cell>> = {}): Readonly<Record<LanguageName, Cell>> {
  return { node: 'ok', python: 'ok', go: 'ok', java: 'ok', rust: 'ok', ...except }
}

/** By the name of the scenario in the programs of sdk/. */
export const FEATURES: Readonly<Record<string, Feature>> = {
  'send-sync': { title: 'send, sync', cells: everywhere({ node: PROMISES, rust: FUTURES }) },
  'send-async': { title: 'send, async', cells: everywhere() },
  'send-batch': {
    title: 'send of several messages in one request',
    cells: everywhere({ node: ONE_MESSAGE, python: ONE_MESSAGE, go: ONE_MESSAGE, java: ONE_MESSAGE }),
  },
  'receive-sync': {
    title: 'simple consumer: receive and ack, sync',
    cells: everywhere({ node: PROMISES, rust: FUTURES }),
  },
  'receive-async': {
    title: 'simple consumer: receive and ack, async',
    cells: everywhere({ go: 'none: SimpleConsumer has no ReceiveAsync and no AckAsync' }),
  },
  'change-invisible': {
    title: 'simple consumer: change the invisible duration',
    cells: everywhere({ rust: 'none: SimpleConsumer has no change of the invisible duration' }),
  },
  push: { title: 'push consumer: success', cells: everywhere({ rust: NO_PUSH }) },
  'push-retry': { title: 'push consumer: failures, attempts 2 and 3', cells: everywhere({ rust: NO_PUSH }) },
  'push-groups': { title: 'each of 3 groups gets everything', cells: everywhere({ rust: NO_PUSH }) },
  'push-shared': { title: '3 consumers of a group share', cells: everywhere({ rust: NO_PUSH }) },
  'group-reset': { title: 'each of 2 groups gets everything, and again the one that is reset', cells: everywhere() },
  'settings-pushed': {
    title: 'a group is changed: its push consumer is told',
    cells: everywhere({ python: 'none: a push consumer reads no command behind its first settings', rust: NO_PUSH }),
  },
  'group-disabled': { title: 'a group that is switched off: refused, and told why', cells: everywhere() },
  'tag-one': { title: 'tag filter A', cells: everywhere() },
  'tag-either': { title: 'tag filter A || B', cells: everywhere() },
  'tag-any': { title: 'tag filter *', cells: everywhere() },
  'sql-filter': { title: 'SQL92 filter over tag and property', cells: everywhere() },
  'dead-letter': { title: 'failures until the dead-letter topic', cells: everywhere({ rust: NO_PUSH }) },
  'fifo-simple': { title: 'simple consumer: message groups in order', cells: everywhere() },
  'fifo-push': { title: 'push consumer: message groups in order', cells: everywhere({ rust: NO_PUSH }) },
  'fifo-retry': {
    title: 'push consumer: a failure in order, before the next of its group',
    cells: everywhere({ rust: NO_PUSH, node: 'none: a failure in order goes to the dead-letter topic at once' }),
  },
  transaction: { title: 'transactions: ended by their sender, and when asked', cells: everywhere() },
  delay: { title: 'a message with a delivery timestamp: not before it', cells: everywhere() },
  recall: {
    title: 'a delayed message is recalled',
    cells: everywhere({ rust: 'none: Producer has no recall' }),
  },
  dedup: { title: 'a topic that stores a message with a key once', cells: everywhere() },
  attributes: { title: 'id, attempt, keys, properties, tag unchanged', cells: everywhere() },
  bodies: { title: 'bodies: UTF-8, binary, 1 byte', cells: everywhere() },
  'body-large': { title: 'body of 4 MiB less 64 KiB', cells: everywhere() },
  'body-largest': {
    title: 'body of 4 MiB',
    cells: everywhere({
      node: 'none: grpc-js takes 4 MiB per message, headers included, and the client has no setting for it',
      rust: 'none: tonic takes 4 MiB per message, headers included, and the client has no setting for it',
    }),
  },
  'topic-created': { title: 'unknown topic: created where the proxy may', cells: everywhere() },
  'topic-refused': { title: 'unknown topic: refused where it may not', cells: everywhere() },
  'client-stack': {
    title: 'operator: stacks of the threads of a client',
    after: 'push',
    cells: everywhere({
      node: "none: it answers 'mock stack'",
      python: SILENT,
      rust: NO_PUSH,
    }),
  },
  'client-verify': {
    title: 'operator: a client consumes a stored message on the spot',
    after: 'push',
    cells: everywhere({
      node: 'none: it answers NOT_IMPLEMENTED',
      go: 'none: it answers NOT_IMPLEMENTED',
      python: SILENT,
      rust: NO_PUSH,
    }),
  },
  'message-query': {
    title: 'operator: a message is found by its key',
    after: 'attributes',
    cells: everywhere(),
  },
  'message-trace': {
    title: 'operator: the trace of a message, from its sender to its acknowledgement',
    after: 'attributes',
    cells: everywhere(),
  },
  plaintext: { title: 'plaintext, set', cells: everywhere() },
  tls: { title: 'TLS, set', cells: everywhere() },
}

/** The scenarios of the programs that these need. */
export function programScenarios(features: readonly string[]): readonly string[] {
  return Array.from(new Set(features.map((name) => FEATURES[name]?.after ?? name)))
}

/** What the clients log as a warning or an error though nothing is wrong with us. Everything else is a failure. */
export const EXPECTED_COMPLAINTS: Readonly<Record<LanguageName, readonly RegExp[]>> = {
  node: [
    /node-topic-refused|node-group-disabled/, // the scenarios ask for it
    /Failed to receive messages.*RESOURCE_EXHAUSTED: Received message larger than max/, // its limit, in body-largest
    // Commands that it does not know; it takes the one for stacks for another one.
    /Ignore (?:verify message|orphaned transaction recovery) command from remote, which is not expected/,
  ],
  python: [
    /python-topic-refused|python-group-disabled/, // the scenarios ask for it
    /process queue total cached messages exceeds the threshold/, // the small caches of the scenarios
    /process received message error, $/, // its shutdown cancels its own polls
    // It registers gauges for its queues also where metrics are off, and then has no meter.
    /read stream from endpoints .* exception, 'NoneType' object has no attribute 'get_meter'/,
  ],
  go: [
    /go-topic-refused|go-group-disabled/, // the scenarios ask for it
    /Process queue (?:total cached messages quantity exceeds the threshold|cache is full)/, // the small caches
    /Timeout waiting for all inflight receive requests/, // it does not count down after a poll without a message
  ],
  java: [
    /java-topic-refused|java-group-disabled/, // the scenarios ask for it
    /Process queue (?:total cached messages quantity exceeds the threshold|cache is full)/, // the small caches
    /Failed to start the rocketmq producer, try to shutdown it.*Failed to fetch topics after 3 attempts/s,
  ],
  rust: [
    /rust-topic-refused|rust-group-disabled/, // the scenarios ask for it
    // It knows nothing to do with settings. Its loggers share a stream, so the reason may be parts of another line.
    /receive telemetry command but there is no handler|rocketmq-5\.0\.0\/src\/client\.rs:196:/,
    // Another line came between its level and its text, which stands alone then.
    /ERRO(?:\[[^\]]*)?[A-Z][a-z]{2} \d\d \d\d:\d\d:\d\d\.\d{3} /,
    // Or the fields of another one came where its own place in the source stands, or all of it behind the level.
    /ERRO\[component: |ERRO (?:DEBG|INFO)\[/,
  ],
}

/** On a machine with more to do than it has cores, a client's own limits of time may pass. */
export const COMPLAINTS_OF_A_BUSY_MACHINE = /deadline.exceeded|timeout expired/i
