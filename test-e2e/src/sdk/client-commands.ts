// What a client does when an operator asks it over its telemetry stream: a cell each.
import type { Rmq } from './rmq.ts'

/** The scenario's topic has the name of its group. */
export async function commandCell(scenario: string, group: string, rmq: Rmq): Promise<string> {
  try {
    const [clientId] = await rmq.clientsOf(group)
    if (clientId === undefined) return `nobody lists a client of ${group}`
    if (scenario === 'client-stack') {
      const stack = await rmq.stackOf(clientId)
      // What the Node client says instead.
      return stack === 'mock stack' ? `none: it answers '${stack}'` : stackCell(stack)
    }
    const [messageId] = await rmq.messagesOf(group)
    if (messageId === undefined) return `nobody finds a message of ${group}`
    await rmq.verify(clientId, group, messageId)
    return 'ok'
  } catch (error) {
    return refusalCell(error instanceof Error ? error.message : String(error))
  }
}

/** Stacks have lines, and name what is there. */
function stackCell(stack: string): string {
  return stack.split('\n').length > 10 && /rocketmq/i.test(stack) ? 'ok' : `no stacks: ${stack.slice(0, 200)}`
}

function refusalCell(text: string): string {
  const [, code] = /does not support it: it answered (\w+)/.exec(text) ?? []
  if (code !== undefined) return `none: it answers ${code}`
  return text.includes('did not answer within 5000 ms') ? 'none: it does not answer' : text
}
