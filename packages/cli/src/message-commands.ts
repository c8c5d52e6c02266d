// The commands that find single messages, say what became of them, and take up those that were given up.
import type { Command } from 'commander'
import { type Act, examples, group } from './command-tools.ts'
import { bytes, moment, number } from './values.ts'

const QUERY_MAX = 64
const LIST_MAX = 10_000
const LIST_DEFAULT = 100
const RESEND_MAX = Number.MAX_SAFE_INTEGER
const READ_BYTES_DEFAULT = 256 * 1024 * 1024

/** Adds `rmq message …`. */
export function messageCommands(program: Command, act: Act): void {
  const message = group(program, 'message', 'Single messages: query, show, trace.')
  message
    .command('query')
    .description(
      'Find messages by id or key, with every copy: retries, dead letters, delayed and half messages; or those of a ' +
        'time. The exit code is 1 when nothing is found, or a broker did not answer.',
    )
    .requiredOption('--topic <topic>', 'their topic')
    .option('--id <id>', 'message id, as the answer to a send told it')
    .option('--key <key>', 'one of the keys that a message was sent with')
    .option('--from <time>', 'stored then or later: 2026-01-31T10:00:00Z, or 2h for two hours ago', moment)
    .option('--to <time>', 'stored then or before', moment)
    .option(
      '--max <number>',
      'the newest ones; with --id and --key of each topic at each broker',
      number(1, QUERY_MAX),
      QUERY_MAX,
    )
    .option('--cluster <name>', 'which cluster, where there are several')
    .addHelpText(
      'after',
      examples(
        'rmq message query --topic orders --key 4711',
        'rmq message query --topic orders --from 2026-01-31T10:00:00Z --to 2026-01-31T10:05:00Z',
      ),
    )
    .action(act(async () => (await import('./commands/message-query.ts')).messageQuery))
  message
    .command('show')
    .description(
      'Show a message by its id: properties, body, every copy, and where it is for each group: pending, in flight until ' +
        'when, acknowledged, dead.',
    )
    .argument(
      '<id>',
      'message id, as the answer to its send told it, or as a broker made it; or broker/topic/queue@offset',
    )
    .option('--topic <topic>', 'its topic; without it all topics are asked for')
    .option('--hex', 'the whole body as hex')
    .option('--cluster <name>', 'which cluster, where there are several')
    .addHelpText('after', examples('rmq message show 01AC1F…', 'rmq message show 01AC1F… --json | jq -r .body'))
    .action(act(async () => (await import('./commands/message-show.ts')).messageShow))
  message
    .command('trace')
    .description(
      'Show what happened to a message: sent, stored, given to which client of which group, acknowledged, time over, ' +
        'dead, recalled, committed or rolled back. Brokers read it from their logs: it goes back as far as they keep messages.',
    )
    .argument('<id>', 'message id')
    .option('--topic <topic>', 'its topic; without it all topics are asked for')
    .option(
      '--read-max <bytes>',
      'of the journal of a broker, for each copy (default: 256MiB)',
      bytes(1, Number.MAX_SAFE_INTEGER),
      READ_BYTES_DEFAULT,
    )
    .option('--cluster <name>', 'which cluster, where there are several')
    .addHelpText('after', examples('rmq message trace 01AC1F…', 'rmq message trace 01AC1F… --topic orders --json'))
    .action(act(async () => (await import('./commands/message-trace.ts')).messageTrace, 'finishes'))
}

/** Adds `rmq dlq …`. */
export function deadLetterCommands(program: Command, act: Act): void {
  const dlq = group(program, 'dlq', 'Dead letters, which a group has given up: list, show, resend.')
  dlq
    .command('list')
    .description('List the newest dead letters of a group, and whether they were sent again.')
    .argument('<group>', 'consumer group')
    .option('--topic <topic>', 'only what was sent to this topic')
    .option('--from <time>', 'dead since then or later: 2026-01-31T10:00:00Z, or 2h for two hours ago', moment)
    .option('--to <time>', 'dead since then or before', moment)
    .option('--max <number>', 'at most so many (default: 100)', number(1, LIST_MAX), LIST_DEFAULT)
    .option('--cluster <name>', 'which cluster, where there are several')
    .addHelpText('after', examples('rmq dlq list billing', 'rmq dlq list billing --from 1h --json'))
    .action(act(async () => (await import('./commands/dlq-list.ts')).dlqList))
  dlq
    .command('show')
    .description('Show a dead letter: properties, body, attempts.')
    .argument('<group>', 'consumer group')
    .argument('<id>', 'message id')
    .option('--hex', 'the whole body as hex')
    .option('--cluster <name>', 'which cluster, where there are several')
    .addHelpText('after', examples('rmq dlq show billing 01AC1F…'))
    .action(act(async () => (await import('./commands/dlq-show.ts')).dlqShow))
  dlq
    .command('resend')
    .description(
      'Send dead letters to the topic again that they were sent to: with their properties, under a new id. They stay where ' +
        'they are, and are skipped the next time; a run that was interrupted goes on when it is started again. Every group ' +
        'of the topic gets them; their order to later messages is not kept.',
    )
    .argument('<group>', 'consumer group')
    .argument('[ids...]', 'message ids')
    .option('--all', 'all dead letters of the group, the oldest first')
    .option('--topic <topic>', 'only what was sent to this topic')
    .option('--from <time>', 'with --all: dead since then or later', moment)
    .option('--to <time>', 'with --all: dead since then or before', moment)
    .option('--limit <number>', 'send at most so many', number(1, RESEND_MAX))
    .option('--again', 'also those that were sent before')
    .option('--dry-run', 'say what would be sent, and send nothing')
    .option('-y, --yes', 'do not ask')
    .option('--cluster <name>', 'which cluster, where there are several')
    .addHelpText(
      'after',
      examples(
        'rmq dlq resend billing 01AC1F…',
        'rmq dlq resend billing --all --dry-run',
        'rmq dlq resend billing --all --limit 10 --yes',
      ),
    )
    .action(act(async () => (await import('./commands/dlq-resend.ts')).dlqResend, 'finishes'))
}
