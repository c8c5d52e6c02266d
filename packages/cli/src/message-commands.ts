// The commands that find single messages and say what became of them.
import type { Command } from 'commander'
import { type Act, examples, group } from './command-tools.ts'
import { bytes, moment, number } from './values.ts'

const QUERY_MAX = 64
const READ_BYTES_DEFAULT = 256 * 1024 * 1024

/** Adds `rmq message …`. */
export function messageCommands(program: Command, act: Act): void {
  const message = group(program, 'message', 'Single messages: query, show, trace.')
  message
    .command('query')
    .description(
      'Find messages by id or key, with every copy: retries, dead letters, delayed and half messages. The exit code is ' +
        '1 when nothing is found, or a broker did not answer.',
    )
    .requiredOption('--topic <topic>', 'their topic')
    .option('--id <id>', 'message id, as the answer to a send told it')
    .option('--key <key>', 'one of the keys that a message was sent with')
    .option('--from <time>', 'stored then or later: 2026-01-31T10:00:00Z, or 2h for two hours ago', moment)
    .option('--to <time>', 'stored then or before', moment)
    .option('--max <number>', 'the newest ones, of each topic at each broker', number(1, QUERY_MAX), QUERY_MAX)
    .option('--cluster <name>', 'which cluster, where there are several')
    .addHelpText(
      'after',
      examples('rmq message query --topic orders --key 4711', 'rmq message query --topic orders --key 4711 --from 2h'),
    )
    .action(act(async () => (await import('./commands/message-query.ts')).messageQuery))
  message
    .command('show')
    .description(
      'Show a message by its id: properties, body, every copy, and where it is for each group: pending, in flight until ' +
        'when, acknowledged, dead.',
    )
    .argument('<id>', 'message id, as the answer to its send told it, or as a broker made it')
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
