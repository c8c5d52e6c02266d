// What `docker compose logs` shows of all containers: one line each, `name  | text`, where the text is an event as JSON.
import type { Cluster } from './cluster.ts'

export interface LogLine {
  readonly container: string
  readonly text: string
  /** Undefined for a text that is no event, such as what Node says of a crash. */
  readonly event: Readonly<Record<string, unknown>> | undefined
}

/** Of the containers that are there, those included that have stopped. */
export async function readLogs(cluster: Cluster): Promise<LogLine[]> {
  const output = await cluster.compose('logs', '--no-color')
  return output.split('\n').flatMap((line) => {
    const [, container = '', text = ''] = /^(\S+) +\| (.*)$/.exec(line) ?? []
    return text === '' ? [] : [{ container, text, event: eventOf(text) }]
  })
}

function eventOf(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    return JSON.parse(text) as Readonly<Record<string, unknown>>
  } catch {
    return undefined
  }
}
