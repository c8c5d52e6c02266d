// Subscriptions by properties: an SQL92 expression, parsed and compiled once. Only TRUE delivers: what is unknown, or fails
// while it is evaluated, passes the message by.
import type { MessageFilter, PropertyLookup } from './message-filter.ts'
import { compile, Truth } from './sql/compile.ts'
import { parseSql } from './sql/parse.ts'
import { refuse } from './sql/tokens.ts'

/**
 * Reads an expression. MqError 'filter-illegal' names the character, what stands there, and the reason; also beyond
 * SQL_CHARS_MAX, SQL_NODES_MAX and SQL_DEPTH_MAX. Java: SqlFilter.compile.
 */
export function parseSqlExpression(text: string): MessageFilter {
  if (text.trim() === '') refuse('', 0, 'it is empty; TRUE stands for all messages')
  const evaluate = compile(parseSql(text))
  return Object.freeze({
    type: 'SQL92',
    expression: text,
    all: false,
    readsRecords: true,
    matchesCode: () => true,
    matches: (property: PropertyLookup) => evaluate(property) === Truth.TRUE,
  })
}
