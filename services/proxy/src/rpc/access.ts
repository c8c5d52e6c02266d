// Who may do what: one gate before every method. Until access control lands, it lets everybody through.
import { ANONYMOUS, type Principal } from '@rocketmq-ts/remoting'
import type { Refusal } from '../status.ts'

/** One right a request needs. 'any' is at least one of the others. */
export interface Access {
  readonly resource: 'topic' | 'group'
  readonly name: string
  readonly action: 'pub' | 'sub' | 'any'
}

/** The rights a request needs; called only by gates that look at them. */
export type AccessOf<Request> = (request: Request) => readonly Access[]

export interface Gate {
  /** Who calls, by the headers of the call. */
  identify(metadata: ReadonlyMap<string, string>): Principal
  authorize<Request>(principal: Principal, access: AccessOf<Request>, request: Request): Refusal | undefined
}

export const openGate: Gate = {
  identify: () => ANONYMOUS,
  authorize: () => undefined,
}

export function pub(topic: string | undefined): Access {
  return { resource: 'topic', name: topic ?? '', action: 'pub' }
}

export function sub(topic: string | undefined): Access {
  return { resource: 'topic', name: topic ?? '', action: 'sub' }
}

export function group(name: string | undefined): Access {
  return { resource: 'group', name: name ?? '', action: 'sub' }
}
