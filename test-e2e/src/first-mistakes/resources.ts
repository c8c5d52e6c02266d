// Topics and groups that are not there, or not for such messages, where nothing is created on demand.
import type { Mistake } from './mistake.ts'
import type { Part } from '../parts.ts'
import type { Person } from './person.ts'

export interface ResourcesOptions {
  readonly person: Person
  readonly nameserver: Part
  readonly proxy: Part
}

/** Makes the topic that the mistakes are made with. */
export async function createTopic({ person, nameserver }: ResourcesOptions, topic: string): Promise<void> {
  await person.rmq(0, 'topic', 'create', topic, '--nameserver', nameserver.address)
}

export function missingTopics({ person, nameserver, proxy }: ResourcesOptions): Mistake[] {
  return [
    {
      name: 'missing topic: a producer → the error of the SDK',
      read: () => person.program(1, 'send', proxy.address, 'ordres'),
      cause: "topic 'ordres' does not exist",
      remedy: 'rmq topic create ordres',
    },
    {
      name: 'missing topic: a consumer → the error of the SDK',
      read: () => person.program(1, 'receive', proxy.address, 'ordres'),
      cause: "topic 'ordres' does not exist",
      remedy: 'rmq topic create ordres',
    },
    {
      name: 'missing topic: rmq send → what it prints',
      read: () => person.rmq(1, 'send', 'ordres', 'hello', '--nameserver', nameserver.address),
      cause: "topic 'ordres' does not exist",
      remedy: 'rmq topic create ordres',
    },
  ]
}

export function wrongTypes({ person, proxy }: ResourcesOptions, topic: string): Mistake[] {
  return [
    {
      name: 'wrong type: a FIFO message to a NORMAL topic → the error of the SDK',
      read: () => person.program(1, 'send-fifo', proxy.address, topic),
      cause: `message_group: makes this a FIFO message, and topic '${topic}' takes NORMAL ones`,
      remedy: `rmq topic create ${topic} --type FIFO --update`,
    },
    {
      name: 'wrong type: a delayed message to a NORMAL topic → the error of the SDK',
      read: () => person.program(1, 'send-later', proxy.address, topic),
      cause: `delivery_timestamp: makes this a DELAY message, and topic '${topic}' takes NORMAL ones`,
      remedy: `rmq topic create ${topic} --type DELAY --update`,
    },
  ]
}

export function unknownGroups({ person, nameserver, proxy }: ResourcesOptions, topic: string): Mistake[] {
  return [
    {
      name: 'unknown group: a consumer → the error of the SDK',
      read: () => person.program(1, 'receive', proxy.address, topic, 'biling'),
      cause: "group 'biling' does not exist",
      remedy: 'rmq group create biling',
    },
    {
      name: 'unknown group: rmq receive → what it prints',
      read: () => person.rmq(1, 'receive', topic, '--group', 'biling', '--nameserver', nameserver.address),
      cause: "group 'biling' does not exist",
      remedy: 'rmq group create biling',
    },
    {
      name: 'unknown group: rmq group describe → what it prints',
      read: () => person.rmq(1, 'group', 'describe', 'biling', '--nameserver', nameserver.address),
      cause: "no broker has group 'biling'",
      remedy: 'rmq group create biling',
    },
  ]
}
