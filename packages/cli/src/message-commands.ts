// The commands that find single messages and say what became of them.
import type { Command } from 'commander'
import { type Act, examples, group } from './command-tools.ts'
import { moment, number } from './values.ts'

const QUERY_MAX = 64

/** Adds `rmq message …`. */
export function messageCommands(program: Command, act: Act): void {
  const message = group(program, 'message', 'Single messages: query.')
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
}
