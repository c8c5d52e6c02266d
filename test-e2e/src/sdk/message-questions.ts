// What an operator is told of the one message of the scenario `attributes`: a cell each. Its topic has the name of its
// group.
import type { Rmq } from './rmq.ts'

/** One of those that the programs give it; not in ASCII. */
const KEY = 'ключ'
const JOURNEY = ['sent', 'stored', 'delivered', 'acknowledged']

export async function messageCell(scenario: string, topic: string, rmq: Rmq): Promise<string> {
  try {
    const ids = await rmq.messagesOf(topic, KEY)
    const [id] = ids
    if (id === undefined || ids.length > 1) return `${ids.length} messages have the key: ${ids.join(', ')}`
    return scenario === 'message-query' ? 'ok' : await traceCell(topic, id, rmq)
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

async function traceCell(group: string, id: string, rmq: Rmq): Promise<string> {
  const lines = await rmq.traceOf(group, id)
  const journey = lines.map(({ event }) => event)
  if (journey.join() !== JOURNEY.join()) return `its trace is ${journey.join(', ')}`
  const delivered = lines.find(({ event }) => event === 'delivered')
  // Clients have names with an @; an address stands where one told none.
  const isNamed = delivered?.group === group && delivered.client?.includes('@') === true
  return isNamed ? 'ok' : `it was delivered to ${delivered?.client} of ${delivered?.group}`
}
