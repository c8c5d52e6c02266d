// The surface of a service: request code → declaration, resource, action, handler. One gate before every handler.
import assert from 'node:assert'
import { MqError } from '@rocketmq-ts/model'
import { silentLogger, type Logger } from '@rocketmq-ts/runtime'
import { ResponseCode } from './codec/codes.ts'
import type { RequestDeclaration } from './codec/define-request.ts'
import type { RemotingEvent } from './events.ts'
import type { ArrivedRequest, IncomingRequest, Principal, RequestHandler } from './peer.ts'
import { failureOf } from './response-codes.ts'

/** What a request touches. Java: ResourceType of ACL 2.0. */
export interface Resource {
  readonly kind: 'cluster' | 'topic' | 'group'
  readonly name: string
}

/** What it does to it. Java: Action of ACL 2.0. */
export type Action = 'pub' | 'sub' | 'create' | 'update' | 'delete' | 'get' | 'list'

/** The gate. False: answered NO_PERMISSION. */
export type Authorize = (principal: Principal, resource: Resource, action: Action) => boolean

/** Everybody may do everything. */
export const allowAll: Authorize = () => true

/** A resource for requests that concern the service as a whole. */
export const CLUSTER_RESOURCE: Resource = { kind: 'cluster', name: '*' }

export interface TableEntry {
  readonly request: RequestDeclaration<object, object>
  resource(header: object): Resource | readonly Resource[]
  readonly action: Action
  handle(request: IncomingRequest): void | Promise<void>
}

export type RequestTable = ReadonlyMap<number, TableEntry>

/**
 * One row of a table. `handle` answers through `request.respond`, now or later; an MqError that it throws or rejects
 * with becomes the answer of its code. `resource` names all that the gate must allow.
 */
export function tableEntry<Header extends object, AnswerHeader extends object>(entry: {
  readonly request: RequestDeclaration<Header, AnswerHeader>
  readonly resource: (header: Header) => Resource | readonly Resource[]
  readonly action: Action
  readonly handle: (request: IncomingRequest<Header, AnswerHeader>) => void | Promise<void>
}): TableEntry {
  return {
    request: entry.request,
    resource: (header) => entry.resource(header as Header),
    action: entry.action,
    handle: (request) => entry.handle(request as unknown as IncomingRequest<Header, AnswerHeader>),
  }
}

/** A table of rows with distinct codes. */
export function createRequestTable(entries: readonly TableEntry[]): RequestTable {
  const table = new Map(entries.map((entry) => [entry.request.code, entry]))
  assert(table.size === entries.length, 'a request code has two handlers')
  return table
}

/** The handler of connections that answers from a table. Unknown codes are answered 3 with the code in the remark. */
export function dispatchRequests(options: {
  readonly table: RequestTable
  readonly authorize: Authorize
  readonly logger?: Logger<RemotingEvent>
  /**
   * What becomes of an error of a handler that is no MqError: a broken invariant. 'answer' (the default) logs it and
   * answers SYSTEM_ERROR; 'throw' hands it to the caller, where half-made changes must not be written.
   */
  readonly defects?: 'answer' | 'throw'
}): RequestHandler {
  const { table, authorize } = options
  const logger: Logger<RemotingEvent> = options.logger ?? silentLogger

  function fail(arrived: ArrivedRequest, error: unknown): void {
    if (error instanceof MqError) {
      arrived.respond(failureOf(error))
      return
    }
    const reason = error instanceof Error ? (error.stack ?? error.message) : String(error)
    logger.error({ event: 'handler.failed', requestCode: arrived.code, reason })
    arrived.respond({
      code: ResponseCode.SYSTEM_ERROR,
      remark: error instanceof Error ? error.message : 'internal error',
    })
  }

  function checkAllowed(entry: TableEntry, request: IncomingRequest): void {
    const resources = entry.resource(request.header)
    for (const resource of Array.isArray(resources) ? (resources as readonly Resource[]) : [resources as Resource]) {
      if (authorize(request.peer.principal, resource, entry.action)) continue
      const who = `${request.peer.principal.name} may not ${entry.action}`
      throw new MqError('no-permission', `${entry.request.name}: ${who} ${resource.kind} '${resource.name}'`)
    }
  }

  return (arrived) => {
    const entry = table.get(arrived.code)
    if (entry === undefined) {
      const remark = `request code ${arrived.code} is not supported by this server`
      arrived.respond({ code: ResponseCode.REQUEST_CODE_NOT_SUPPORTED, remark })
      return
    }
    try {
      const request = arrived.as(entry.request)
      checkAllowed(entry, request)
      entry.handle(request)?.catch((error: unknown) => fail(arrived, error))
    } catch (error) {
      if (options.defects === 'throw' && !(error instanceof MqError)) throw error
      fail(arrived, error)
    }
  }
}
