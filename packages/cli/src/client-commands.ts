// The commands about clients of proxies: who is there, and what they can be told.
import type { Command } from 'commander'
import { type Act, examples, group } from './command-tools.ts'

/** Adds `rmq client …`. */
export function clientCommands(program: Command, act: Act): void {
  const clients = group(program, 'client', 'Clients of all proxies: list, show, stack, verify, reconnect.')
  clients
    .command('list')
    .description('List clients, with the proxies that have them. Brokers hear of a client within a second.')
    .option('-g, --group <group>', 'consumers of this group')
    .option('--topic <topic>', 'producers of this topic, and its consumers')
    .option('--cluster <name>', 'which cluster, where there are several')
    .addHelpText(
      'after',
      examples('rmq client list --group billing', "rmq client list --json | jq -r '.clients[].clientId'"),
    )
    .action(act(async () => (await import('./commands/client-list.ts')).clientList))
  clients
    .command('show')
    .description('Show a client: its SDK, its proxy, since when it is there, its topics or subscriptions.')
    .argument('<client>', 'its id')
    .option('--cluster <name>', 'which cluster, where there are several')
    .addHelpText('after', examples('rmq client show web-7@4711@1@kq3f'))
    .action(act(async () => (await import('./commands/client-show.ts')).clientShow))
  clients
    .command('stack')
    .description(
      'Print the stacks of the threads of a client, as its SDK tells them: Java and Go do. Waits 5 s for it.',
    )
    .argument('<client>', 'its id')
    .option('--cluster <name>', 'which cluster, where there are several')
    .addHelpText('after', examples('rmq client stack web-7@4711@1@kq3f'))
    .action(act(async () => (await import('./commands/client-stack.ts')).clientStack))
  clients
    .command('verify')
    .description(
      'Have a push consumer consume a stored message once, on the spot; nothing of its group moves. Java does. Waits 5 s ' +
        'for it; the exit code is 1 when it fails at the message.',
    )
    .argument('<client>', 'its id')
    .argument('<message>', 'id of the message')
    .option('--topic <topic>', 'where the message is: quicker where there are many topics')
    .option('--cluster <name>', 'which cluster, where there are several')
    .addHelpText('after', examples('rmq client verify web-7@4711@1@kq3f 01AC…'))
    .action(act(async () => (await import('./commands/client-verify.ts')).clientVerify))
  clients
    .command('reconnect')
    .description('Tell clients to connect anew, to another proxy where a balancer says so: Java and Node do.')
    .argument('[client]', 'its id; or some of them:')
    .option('--proxy <proxy>', 'all clients of this proxy, as rmq client list names it')
    .option('-g, --group <group>', 'all consumers of this group')
    .option('--all', 'all clients')
    .option('--cluster <name>', 'which cluster, where there are several')
    .addHelpText(
      'after',
      examples('rmq client reconnect web-7@4711@1@kq3f', 'rmq client reconnect --proxy 10.0.0.7:8081'),
    )
    .action(act(async () => (await import('./commands/client-reconnect.ts')).clientReconnect))
}
