// The whole surface of rmq on one page: commands, their options, their help. What a command does is loaded when it
// runs, so that help and completion are quick.
import { Argument, Command, Option } from 'commander'
import manifest from '../package.json' with { type: 'json' }
import { createContext, type GlobalOptions, NAMESERVER_DEFAULT, NAMESERVER_VARIABLE } from './context.ts'
import { clientCommands } from './client-commands.ts'
import { type Act, examples, group } from './command-tools.ts'
import { ExitCode } from './failures.ts'
import { groupCommands } from './group-commands.ts'
import type { Host } from './host.ts'
import { deadLetterCommands, messageCommands } from './message-commands.ts'
import { SHELLS } from './completion/scripts.ts'
import { storeCommands } from './store-commands.ts'
import {
  addresses,
  addressesOf,
  bytesOrNone,
  duration,
  durationOrNone,
  number,
  numberOrNone,
  permission,
  property,
  several,
  word,
} from './values.ts'

const SECOND_MS = 1000
const HELP_COLUMNS = 100
const DEDUP_WORDS = ['id', 'key', 'none'] as const
const DEDUP_CHOICES = { id: 'MESSAGE_ID', key: 'KEY', none: 'NONE' } as const
const TOPIC_TYPES = ['NORMAL', 'FIFO', 'DELAY', 'TRANSACTION', 'MIXED'] as const
const QUEUES_MAX = 1024
const COUNT_MAX = 100_000
const RECEIVE_MAX = 100_000
const DAY_MS = 86_400 * SECOND_MS
/** Brokers say themselves what is too far. */
const DELAY_MS_MAX = 365 * DAY_MS
const RETENTION_MS_MAX = 36_500 * DAY_MS
/** Of the answer to a press of the tab key. */
const COMPLETION_TIMEOUT_MS = 1000

/** @param onExit is told the exit code of the command that ran */
export function createProgram(host: Host, onExit: (exitCode: number) => void): Command {
  const program = new Command('rmq')
    .description('Operates a RocketMQ cluster: topics, consumer groups, messages, brokers.')
    .version(manifest.version, '--version', 'show the version')
    .helpOption('-h, --help', 'show help')
    .helpCommand('help [command]', 'show help of a command')
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
      new Option('--timeout <duration>', 'limit of each request, such as 500ms or 10s')
        .argParser(duration(1, 600 * SECOND_MS))
        .default(3 * SECOND_MS, '3s'),
    )

  const act: Act = (load, onInterrupt = 'ends at once') =>
    async function act(this: Command, ...given) {
      const options = this.optsWithGlobals<GlobalOptions>()
      const context = createContext(host, options, addressesOf)
      try {
        const action = await load()
        const running = action(context, options as never, ...(given.slice(0, -2) as never))
        onExit(await (onInterrupt === 'finishes' ? running : untilInterrupted(running, host.interrupted)))
      } finally {
        context.close()
      }
    }
  topicCommands(program, act)
  groupCommands(program, act)
  sendCommands(program, act)
  messageCommands(program, act)
  deadLetterCommands(program, act)
  timerCommands(program, act)
  clientCommands(program, act)
  clusterCommands(program, act)
  storeCommands(program, act)
  completionCommands(program, act, host)
  return program
}

async function untilInterrupted(running: Promise<number>, signal: AbortSignal): Promise<number> {
  running.catch(() => {}) // after an interruption nobody waits for it any more
  const interruption = Promise.withResolvers<number>()
  const end = (): void => interruption.resolve(ExitCode.INTERRUPTED)
  if (signal.aborted) end()
  signal.addEventListener('abort', end)
  try {
    return await Promise.race([running, interruption.promise])
  } finally {
    signal.removeEventListener('abort', end)
  }
}

function topicCommands(program: Command, act: Act): void {
  const topic = group(program, 'topic', 'Topics: create, list, describe, delete.')
  topic
    .command('create')
    .description('Create a topic on every broker of a cluster.')
    .argument('<topic>', 'its name')
    .option('--queues <number>', 'per broker (default: 4)', number(1, QUEUES_MAX))
    .addOption(
      new Option('--type <type>', 'kind of its messages (default: NORMAL)')
        .choices(TOPIC_TYPES)
        .argParser(word(TOPIC_TYPES)),
    )
    .addOption(
      new Option('--perm <perm>', 'read, write or both (default: rw)').choices(['r', 'w', 'rw']).argParser(permission),
    )
    .option(
      '--retention <duration>',
      'messages older than this are gone, such as 24h; none: kept as long as the broker keeps its files (default)',
      durationOrNone(SECOND_MS, RETENTION_MS_MAX),
    )
    .option(
      '--retention-bytes <bytes>',
      'keep so many bytes of messages per broker, such as 1GiB; the oldest go',
      bytesOrNone(1, Number.MAX_SAFE_INTEGER),
    )
    .option(
      '--retention-count <number>',
      'keep so many messages per broker; the oldest go',
      numberOrNone(1, Number.MAX_SAFE_INTEGER),
    )
    .addOption(
      new Option('--dedup <by>', 'store a message once: id, key or none (default: none)')
        .choices(DEDUP_WORDS)
        .argParser((text) => DEDUP_CHOICES[word(DEDUP_WORDS)(text)]),
    )
    .option('--dedup-window <duration>', 'so long it is remembered (default: 10m)', duration(SECOND_MS, DAY_MS))
    .option('--update', 'change the settings of a topic that exists')
    .option('--without-broker <name>', 'of a FIFO topic, with --update: its message groups go to this broker no more')
    .option('--broker <name>', 'on this broker only')
    .option('--cluster <name>', 'which cluster, where there are several')
    .addHelpText(
      'after',
      examples(
        'rmq topic create orders',
        'rmq topic create orders --queues 8 --update',
        'rmq topic create clicks --retention 24h --retention-bytes 1GiB',
        'rmq topic create payments --dedup key --dedup-window 1h',
      ),
    )
    .action(act(async () => (await import('./commands/topic-create.ts')).topicCreate))
  topic
    .command('list')
    .description('List topics.')
    .option('--all', 'include those of the system')
    .option('--cluster <name>', 'which cluster, where there are several')
    .addHelpText('after', examples('rmq topic list', "rmq topic list --json | jq -r '.topics[].topic'"))
    .action(act(async () => (await import('./commands/topic-list.ts')).topicList))
  topic
    .command('describe')
    .description('Show settings of a topic, and how full each of its queues is.')
    .argument('<topic>', 'its name')
    .option('--cluster <name>', 'which cluster, where there are several')
    .addHelpText('after', examples('rmq topic describe orders', 'rmq topic describe orders --json | jq .messages'))
    .action(act(async () => (await import('./commands/topic-describe.ts')).topicDescribe))
  topic
    .command('delete')
    .description('Delete a topic with its messages.')
    .argument('<topic>', 'its name')
    .option('-y, --yes', 'do not ask')
    .option('--cluster <name>', 'which cluster, where there are several')
    .addHelpText('after', examples('rmq topic delete orders', 'rmq topic delete orders --yes'))
    .action(act(async () => (await import('./commands/topic-delete.ts')).topicDelete))
}

function sendCommands(program: Command, act: Act): void {
  program
    .command('send')
    .description('Send a message. The body is an argument, a file, or standard input, byte for byte.')
    .argument('<topic>', 'where to')
    .argument('[body]', 'the message')
    .option('-f, --file <path>', 'body from this file')
    .option('--tag <tag>', 'tag that consumers filter by')
    .option('--key <key>', 'key to find it again by; may be repeated', several)
    .option('--property <name=value>', 'property of it; may be repeated', property)
    .option('--delay <duration>', 'deliver it so much later, such as 10s', duration(1, DELAY_MS_MAX))
    .option('--message-group <name>', 'in order behind all others of this group; the topic is of type FIFO')
    .option('--count <number>', 'send it this many times', number(1, COUNT_MAX), 1)
    .addHelpText(
      'after',
      examples(
        "rmq send orders 'Hello' --tag created --key 42",
        'rmq send orders --file order.json --property region=eu',
        'generate | rmq send orders',
        "rmq send reminders 'Time is up' --delay 30m",
        "rmq send payments 'Booked' --message-group account-7",
      ),
    )
    .action(act(async () => (await import('./commands/send.ts')).send, 'finishes'))
  program
    .command('receive')
    .description('Receive messages for a group, and acknowledge each after it was written.')
    .argument('<topic>', 'where from')
    .requiredOption('-g, --group <group>', 'consumer group; it shares progress with its other members')
    .option('--follow', 'go on until Ctrl-C')
    .option(
      '--max <number>',
      'end after this many messages (default: 16; with --follow without end)',
      number(1, RECEIVE_MAX),
    )
    .option('--tag <expression>', "only with these tags, e.g. 'created||paid'")
    .addOption(
      new Option('--sql <expression>', "only where this holds, e.g. 'price > 20 AND a IS NULL'").conflicts('tag'),
    )
    .option('--no-ack', 'do not acknowledge: they come again after the invisible time')
    .addOption(
      new Option('--invisible <duration>', 'invisible time: nobody else of the group gets them meanwhile')
        .argParser(duration(SECOND_MS, DAY_MS / 2))
        .default(60 * SECOND_MS, '60s'),
    )
    .addOption(
      new Option('--wait <duration>', 'how long to wait for the first message, without --follow')
        .argParser(duration(0, DAY_MS))
        .default(5 * SECOND_MS, '5s'),
    )
    .addHelpText(
      'after',
      examples(
        'rmq receive orders --group billing',
        "rmq receive orders --group audit --follow --json | jq -r '.body'",
        'rmq receive orders --group debug --no-ack --invisible 1s --max 1',
      ),
    )
    .action(act(async () => (await import('./commands/receive.ts')).receive, 'finishes'))
}

function timerCommands(program: Command, act: Act): void {
  group(program, 'timer', 'Delayed messages: recall.')
    .command('recall')
    .description('Keep a delayed message from being delivered.')
    .argument('<handle>', 'recall handle, as the answer to its send named it')
    .addHelpText('after', examples('rmq timer recall djEgb3JkZXJzIGJyb2tlci1hIDE3…'))
    .action(act(async () => (await import('./commands/timer-recall.ts')).timerRecall))
}

function clusterCommands(program: Command, act: Act): void {
  group(program, 'cluster', 'The cluster as a whole: status.')
    .command('status')
    .description('Show nameservers and brokers; the exit code is 1 when one of them is not well.')
    .addHelpText('after', examples('rmq cluster status', "rmq cluster status --nameserver 'ns1:9876;ns2:9876'"))
    .action(act(async () => (await import('./commands/cluster-status.ts')).clusterStatus))
  group(program, 'broker', 'A single broker: drain.')
    .command('drain')
    .description(
      'Send producers to other brokers, and wait until consumers have taken all messages of this one. It stays drained ' +
        'until --undo, also when it is killed and comes back; after an orderly stop it takes messages again.',
    )
    .argument('<broker>', 'its name')
    .option('--undo', 'let producers use it again')
    .option('--no-wait', 'look once, and end; nameservers that start later are not told')
    .addHelpText('after', examples('rmq broker drain broker-a', 'rmq broker drain broker-a --undo'))
    .action(act(async () => (await import('./commands/broker-drain.ts')).brokerDrain, 'finishes'))
}

function completionCommands(program: Command, act: Act, host: Host): void {
  program
    .command('completion')
    .description('Print a script that completes rmq in a shell, names of topics and groups included.')
    .addArgument(new Argument('<shell>', 'to source it in').choices(SHELLS))
    .addHelpText('after', examples('source <(rmq completion bash)', 'rmq completion fish | source'))
    .action(act(async () => (await import('./commands/completion.ts')).completion))
  program
    .command('__complete [words...]', { hidden: true })
    .helpOption(false)
    .action(async (words: readonly string[]) => {
      const { answerCompletion } = await import('./commands/completion.ts')
      await answerCompletion(program, words, (nameserver) =>
        createContext(host, { nameserver, timeout: COMPLETION_TIMEOUT_MS }, addressesOf),
      )
    })
}
