// rmq completion, and the question that its scripts ask at every press of the tab key.
import type { Command } from 'commander'
import { complete, type Wanted } from '../completion/complete.ts'
import { completionScript, type Shell } from '../completion/scripts.ts'
import type { Context } from '../context.ts'
import { ExitCode } from '../failures.ts'
import { printable } from '../output/text.ts'
import type { Session } from '../session.ts'
import { isHiddenGroup } from './groups.ts'
import { isHidden } from './topics.ts'

/** Names shown, at most. */
const NAMES_MAX = 1000

export async function completion({ host }: Context, _options: object, shell: Shell): Promise<number> {
  host.out.write(completionScript(shell))
  return ExitCode.OK
}

/**
 * Nothing is told of what fails: whoever presses a key wants no message in the middle of the line.
 * @param contextFor the nameservers that the line names, undefined where it names none
 */
export async function answerCompletion(
  program: Command,
  words: readonly string[],
  contextFor: (nameserver: readonly string[] | undefined) => Context,
): Promise<void> {
  const { candidates, wanted, typed, nameserver } = complete(program, words)
  const context = contextFor(nameserver?.split(/[;,]/))
  try {
    const names = wanted === undefined ? [] : await namesOf(context, wanted).catch(() => [])
    const lines = candidates.map(({ word, help }) => `${word}\t${help}\n`)
    for (const name of names.filter((each) => each.startsWith(typed)).slice(0, NAMES_MAX)) {
      lines.push(`${printable(name)}\t${wanted ?? ''}\n`)
    }
    context.host.out.write(lines.join(''))
  } finally {
    context.close()
  }
}

async function namesOf(context: Context, wanted: Wanted): Promise<string[]> {
  if (wanted === 'file') return []
  const session = await context.session()
  return [...new Set(await names(session, wanted))].sort()
}

async function names(session: Session, wanted: Exclude<Wanted, 'file'>): Promise<string[]> {
  const brokers = await session.brokerAddresses()
  switch (wanted) {
    case 'broker':
      return brokers.map(({ brokerName }) => brokerName)
    case 'cluster':
      return brokers.map(({ cluster }) => cluster)
    case 'topic': {
      const { topicList } = await session.nameServers.topicList()
      return topicList.filter((topic) => !isHidden(topic, brokers))
    }
    case 'group': {
      const masters = await session.masters({})
      const groups = await Promise.all(masters.map(({ address }) => session.brokers.subscriptionGroups(address)))
      return groups
        .flat()
        .map(({ groupName }) => groupName)
        .filter((group) => !isHiddenGroup(group))
    }
  }
}
