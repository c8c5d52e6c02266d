// What every kind of subscription can be asked, and how one comes from its text.
import { MqError } from '@rocketmq-ts/model'
import type { PropertyLookup } from './sql/compile.ts'
import { parseSqlExpression } from './sql-filter.ts'
import { parseTagExpression } from './tag-filter.ts'

export type { PropertyLookup } from './sql/compile.ts'

/** As the wire has them. Java: ExpressionType. */
export type FilterType = 'TAG' | 'SQL92'

/** Frozen and without state: may be shared. */
export interface MessageFilter {
  readonly type: FilterType
  /** The text it was made of; '*' for all. */
  readonly expression: string
  /** Every message matches: nothing has to be asked. */
  readonly all: boolean
  /** Codes decide next to nothing: the properties of each message are to be read while a queue is scanned. */
  readonly readsRecords: boolean
  /** Whether a message behind a consume queue unit with this code may match. */
  matchesCode(tagsCode: number): boolean
  /** Whether a message with these properties matches. Exact. */
  matches(property: PropertyLookup): boolean
}

/**
 * The filter of a subscription. An absent or empty type is TAG. MqError 'filter-illegal' says what is wrong. Java:
 * FilterAPI.build.
 */
export function parseFilter(type: string | undefined, text: string | undefined): MessageFilter {
  switch (type) {
    case undefined:
    case '':
    case 'TAG':
      return parseTagExpression(text)
    case 'SQL92':
      return parseSqlExpression(text ?? '')
    default:
      throw new MqError('filter-illegal', `expression type '${type.slice(0, 64)}' is unknown: there are TAG and SQL92`)
  }
}
