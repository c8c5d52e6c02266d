// The whole surface of rmq on one page: commands, their options, their help. What a command does is loaded when it
// runs, so that help and completion are quick.
import { Command, Option } from 'commander'
import manifest from '../package.json' with { type: 'json' }
import { createContext, type Context, type GlobalOptions, NAMESERVER_DEFAULT, NAMESERVER_VARIABLE } from './context.ts'
import type { Host } from './host.ts'
import { addresses, addressesOf, duration, number, permission, word } from './values.ts'

/** What a command does; resolves with the exit code. */
export type Action<Options, Args extends readonly unknown[]> = (
  context: Context,
  options: Options,
  ...args: Args
) => Promise<number>

type Act = <Options, Args extends readonly unknown[]>(
  load: () => Promise<Action<Options, Args>>,
) => (...given: unknown[]) => Promise<void>

const SECOND_MS = 1000
const HELP_COLUMNS = 100
const TOPIC_TYPES = ['NORMAL', 'FIFO', 'DELAY', 'TRANSACTION', 'MIXED'] as const
const QUEUES_MAX = 1024

/** @param onExit is told the exit code of the command that ran */
export function createProgram(host: Host, onExit: (exitCode: number) => void): Command {
  const program = new Command('rmq')
    .description('Operates a RocketMQ cluster: topics, consumer groups, messages, brokers.')
    .version(manifest.version, '--version', 'show the version')
    .helpOption('-h, --help', 'show help')
    .helpCommand(false)
    .exitOverride()
    .showHelpAfterError('(--help shows how it is used)')
    .configureHelp({ showGlobalOptions: true, sortSubcommands: false })
    .configureOutput({
      writeOut: (text) => host.out.write(text),
      writeErr: (text) => host.err.write(text),
      getOutHelpWidth: () => HELP_COLUMNS,
      getErrHelpWidth: () => HELP_COLUMNS,
      getOutHasColors: () => false,
      getErrHasColors: () => false,
      outputError: (text, write) => write(text.replace(/^error: /, 'rmq: ')),
    })
    .addOption(
      new Option(
        '-n, --nameserver <addresses>',
        `host:port, several joined by ';' (default: ${NAMESERVER_VARIABLE}, or ${NAMESERVER_DEFAULT})`,
      ).argParser(addresses),
    )
    .option('--json', 'print JSON for programs')
    .addOption(
      new Option('--timeout <duration>', 'of each request')
        .argParser(duration(1, 600 * SECOND_MS))
        .default(3 * SECOND_MS, '3s'),
    )

  const act: Act = (load) =>
    async function act(this: Command, ...given) {
      const options = this.optsWithGlobals<GlobalOptions>()
      const context = createContext(host, options, addressesOf)
      try {
        const run = await load()
        onExit(await run(context, options as never, ...(given.slice(0, -2) as never)))
      } finally {
        context.close()
      }
    }
  topicCommands(program, act)
  clusterCommands(program, act)
  return program
}

function examples(...lines: readonly string[]): string {
  return `\nExamples:\n${lines.map((line) => `  $ ${line}`).join('\n')}`
}

function group(program: Command, name: string, description: string): Command {
  return program.command(name).description(description).helpCommand(false)
}

function topicCommands(program: Command, act: Act): void {
  const topic = group(program, 'topic', 'Topics: create, list, describe, delete.')
  topic
    .command('create')
    .description('Create a topic on every broker of a cluster.')
    .argument('<topic>', 'its name')
    .option('--queues <number>', 'per broker (default: 4)', number(1, QUEUES_MAX))
    .addOption(new Option('--type <type>', `${TOPIC_TYPES.join(', ')} (default: NORMAL)`).argParser(word(TOPIC_TYPES)))
    .option('--perm <perm>', 'r, w or rw (default: rw)', permission)
    .option('--update', 'change the settings of a topic that exists')
    .option('--broker <name>', 'on this broker alone')
    .option('--cluster <name>', 'of this cluster')
    .addHelpText('after', examples('rmq topic create orders', 'rmq topic create orders --queues 8 --update'))
    .action(act(async () => (await import('./commands/topic-create.ts')).topicCreate))
  topic
    .command('list')
    .description('List topics.')
    .option('--all', 'those of the system too')
    .option('--cluster <name>', 'of this cluster')
    .addHelpText('after', examples('rmq topic list', "rmq topic list --json | jq '.topics[].topic'"))
    .action(act(async () => (await import('./commands/topic-list.ts')).topicList))
}

function clusterCommands(program: Command, act: Act): void {
  const cluster = group(program, 'cluster', 'The cluster as a whole.')
  cluster
    .command('status')
    .description('Show nameservers and brokers; the exit code is 1 when one of them is not well.')
    .addHelpText('after', examples('rmq cluster status', 'rmq cluster status --nameserver ns1:9876;ns2:9876'))
    .action(act(async () => (await import('./commands/cluster-status.ts')).clusterStatus))
}
