// The commands for consumer groups.
import { type Command, Option } from 'commander'
import type { OrderUnit } from '@rocketmq-ts/model'
import { type Act, examples, group } from './command-tools.ts'
import { flag, moment, number, word } from './values.ts'

const ORDER_UNIT_OF = { queue: 'QUEUE', 'message-group': 'MESSAGE_GROUP' } as const satisfies Record<string, OrderUnit>
const ORDERS_BY = ['queue', 'message-group'] as const
const ATTEMPTS_MAX = 10_001
const QUEUE_MAX = 65_535

function retries(help: string): Option {
  const forms = "'default', delays as 1s,5s,30s, exponential:INITIAL,MAX,MULTIPLIER, or JSON as mqadmin takes it"
  return new Option('--retry-policy <policy>', `${help}: ${forms}`)
}

function consuming(help: string): Option {
  return new Option('--consume-enable <flag>', help).choices(['true', 'false']).argParser(flag)
}

const RESETS = ['toTime', 'toOffset', 'min', 'max', 'skip']

/** One of several that exclude each other. */
function resetTo(flags: string, help: string): Option {
  const option = new Option(flags, help)
  return option.conflicts(RESETS.filter((name) => name !== option.attributeName()))
}

/** Asks for order, too. */
function orderBy(help: string): Option {
  const read = word(ORDERS_BY)
  return new Option('--order-by <unit>', `${help}; implies --order`)
    .choices(ORDERS_BY)
    .argParser((text) => ORDER_UNIT_OF[read(text)])
}

/** Adds `rmq group …`. */
export function groupCommands(program: Command, act: Act): void {
  const groups = group(program, 'group', 'Consumer groups: create, update, list, describe, reset, delete.')
  groups
    .command('create')
    .description('Create a consumer group on every broker of a cluster.')
    .argument('<group>', 'its name')
    .option(
      '--max-attempts <number>',
      'deliveries of a message before it is dead, the first one included (default: 17)',
      number(1, ATTEMPTS_MAX),
    )
    .option('--order', 'deliver in order')
    .option('--no-order', 'deliver concurrently (default)')
    .addOption(orderBy('what waits behind a message in order that is not settled (default: queue)'))
    .addOption(retries('when a failed message comes again (default: default)'))
    .addOption(consuming('whether consumers get messages (default: true)'))
    .option('--broker <name>', 'on this broker only')
    .option('--cluster <name>', 'which cluster, where there are several')
    .addHelpText('after', examples('rmq group create billing', 'rmq group create ledger --order --max-attempts 5'))
    .action(act(async () => (await import('./commands/group-create.ts')).groupCreate))
  groups
    .command('update')
    .description('Change settings of a consumer group; those that are not named stay.')
    .argument('<group>', 'its name')
    .option('--max-attempts <number>', 'deliveries of a message before it is dead', number(1, ATTEMPTS_MAX))
    .option('--order', 'deliver in order')
    .option('--no-order', 'deliver concurrently')
    .addOption(orderBy('what waits behind a message in order that is not settled'))
    .addOption(retries('when a failed message comes again'))
    .addOption(consuming('whether consumers get messages; acknowledgements are always taken'))
    .option('--broker <name>', 'on this broker only')
    .option('--cluster <name>', 'which cluster, where there are several')
    .addHelpText(
      'after',
      examples(
        'rmq group update billing --max-attempts 5',
        'rmq group update ledger --order-by message-group',
        'rmq group update mail --retry-policy exponential:5s,2h,2',
        'rmq group update mail --consume-enable false',
      ),
    )
    .action(act(async () => (await import('./commands/group-create.ts')).groupUpdate))
  groups
    .command('list')
    .description('List consumer groups.')
    .option('--all', 'include those of the system')
    .option('--cluster <name>', 'which cluster, where there are several')
    .addHelpText('after', examples('rmq group list', "rmq group list --json | jq -r '.groups[].group'"))
    .action(act(async () => (await import('./commands/group-list.ts')).groupList))
  groups
    .command('describe')
    .description('Show settings of a group, how far it has come in each queue, and its dead letters.')
    .argument('<group>', 'its name')
    .option('--cluster <name>', 'which cluster, where there are several')
    .addHelpText('after', examples('rmq group describe billing', 'rmq group describe billing --json | jq .lag'))
    .action(act(async () => (await import('./commands/group-describe.ts')).groupDescribe))
  groups
    .command('reset')
    .description(
      'Let a group go on elsewhere, in every topic that it consumes. Messages that it has and did not acknowledge are given ' +
        'up: those behind the new position come once more, as a first delivery. Consumers may go on meanwhile.',
    )
    .argument('<group>', 'its name')
    .addOption(
      resetTo('--to-time <time>', 'to what was stored then or later: 2026-01-31T10:00:00Z, or 2h (ago)').argParser(
        moment,
      ),
    )
    .addOption(
      resetTo('--to-offset <number>', 'to this offset of one queue').argParser(number(0, Number.MAX_SAFE_INTEGER)),
    )
    .addOption(resetTo('--min', 'to the first message that is kept'))
    .addOption(resetTo('--max', 'behind the last message'))
    .addOption(resetTo('--skip', 'behind the last message, and what waits in retry topics does not come either'))
    .option('--topic <topic>', 'in this topic only')
    .option('--queue <number>', 'in this queue of it only', number(0, QUEUE_MAX))
    .option('--dry-run', 'show what would change, and change nothing')
    .option('-y, --yes', 'do not ask')
    .option('--broker <name>', 'on this broker only')
    .option('--cluster <name>', 'which cluster, where there are several')
    .addHelpText(
      'after',
      examples(
        'rmq group reset billing --to-time 2h --dry-run',
        'rmq group reset billing --topic orders --to-time 2026-01-31T10:00:00Z',
        'rmq group reset billing --topic orders --queue 3 --to-offset 1200',
        'rmq group reset billing --skip --yes',
      ),
    )
    .action(act(async () => (await import('./commands/group-reset.ts')).groupReset, 'finishes'))
  groups
    .command('delete')
    .description('Delete a group with its progress. Its dead letters stay.')
    .argument('<group>', 'its name')
    .option('-y, --yes', 'do not ask')
    .option('--cluster <name>', 'which cluster, where there are several')
    .addHelpText('after', examples('rmq group delete billing', 'rmq group delete billing --yes'))
    .action(act(async () => (await import('./commands/group-delete.ts')).groupDelete))
}
