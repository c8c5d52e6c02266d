// A cluster of which a part is not up: no broker at the nameserver, or no nameserver.
import type { Mistake } from './mistake.ts'
import type { Part } from '../parts.ts'
import type { Person } from './person.ts'

export interface AbsentOptions {
  readonly person: Person
  /** A nameserver without brokers. */
  readonly nameserver: Part
  /** Of that nameserver: one that creates topics, and one that does not. */
  readonly creating: Part
  readonly plain: Part
  /** Of a nameserver that does not run, and its address. */
  readonly alone: Part
  readonly nobody: string
}

export function absentParts({ person, nameserver, creating, plain, alone, nobody }: AbsentOptions): Mistake[] {
  const cause = `no broker is registered at nameserver ${nameserver.address}`
  const remedy = 'start one that has it in its namesrvAddr'
  return [
    {
      name: 'no broker: a producer → the error of the SDK',
      read: () => person.program(1, 'send', plain.address, 'hello'),
      cause,
      remedy,
    },
    {
      name: 'no broker: a producer, where topics are created on demand → the error of the SDK',
      read: () => person.program(1, 'send', creating.address, 'hello'),
      cause,
      remedy,
    },
    {
      name: 'no broker: a consumer → the error of the SDK',
      read: () => person.program(1, 'receive', plain.address, 'hello'),
      cause,
      remedy,
    },
    {
      name: 'no broker: rmq send → what it prints',
      read: () => person.rmq(1, 'send', 'hello', 'hello', '--nameserver', nameserver.address),
      cause: 'no broker is registered at the nameserver',
      remedy: 'Start one',
    },
    {
      name: 'no broker: rmq cluster status → what it prints',
      read: () => person.rmq(1, 'cluster', 'status', '--nameserver', nameserver.address),
      cause: 'No broker is registered',
      remedy: 'namesrvAddr',
    },
    {
      name: 'no nameserver: a producer → the error of the SDK',
      read: () => person.program(1, 'send', alone.address, 'hello'),
      cause: `no nameserver answers (${nobody})`,
      remedy: 'start a nameserver, or correct namesrvAddr of this proxy',
    },
    {
      name: 'no nameserver: rmq → what it prints',
      read: () => person.rmq(1, 'topic', 'list', '--nameserver', nobody),
      cause: `the nameserver at ${nobody} does not answer`,
      remedy: 'Start a cluster with: npm start',
    },
  ]
}
