// A body's table with whole message queues as keys: `{{"brokerName":"a","queueId":0,"topic":"T"}:{…}}`, as fastjson
// writes a Map<MessageQueue, …>. Keys that were made texts are read too.
import { isJavaJsonObject, JsonFields, parseJavaJson } from '@rocketmq-ts/model'

/** Names a queue across brokers. Java: MessageQueue. */
export interface MessageQueue {
  readonly topic: string
  readonly brokerName: string
  readonly queueId: number
}

/** Rows of the table `name`, in its order. MqError 'parameter-invalid' names the member. */
export function decodeQueueTable<Row>(
  fields: JsonFields,
  name: string,
  decode: (row: JsonFields) => Row,
): (MessageQueue & Row)[] {
  const table = fields.raw(name) ?? {}
  if (!isJavaJsonObject(table)) throw fields.wrong(name, 'an object')
  const rows = table instanceof Map ? [...table] : Object.entries(table)
  return rows.map(([key, value], index) => {
    const path = `${fields.path}.${name}[${index}]`
    const queue = new JsonFields(typeof key === 'string' ? parseJavaJson(key) : key, `${path} key`)
    return {
      topic: queue.text('topic'),
      brokerName: queue.text('brokerName'),
      queueId: queue.int32('queueId'),
      ...decode(new JsonFields(value, path)),
    }
  })
}

/** The table as `stringifyJavaJson` prints it. */
export function queueTable<Row extends MessageQueue>(
  rows: readonly Row[],
): ReadonlyMap<MessageQueue, Omit<Row, keyof MessageQueue>> {
  return new Map(rows.map(({ topic, brokerName, queueId, ...row }) => [{ topic, brokerName, queueId }, row]))
}
