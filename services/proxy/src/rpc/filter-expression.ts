// The filter of a subscription, as clients send it: with every receive, and in their settings.
import type { FilterCache, MessageFilter } from '@rocketmq-ts/filter'
import { Code, type FilterExpression, FilterType } from '@rocketmq-ts/grpc/v2'
import { MqError } from '@rocketmq-ts/model'
import { refusal, type Refusal } from '../status.ts'

/**
 * The filter, or what the client is told: where the expression is wrong, and why. Absent and blank tag expressions stand
 * for all messages. Java: GrpcConverter.buildExpressionType, FilterAPI.build.
 */
export function filterOf(given: FilterExpression | null, filters: FilterCache, field: string): MessageFilter | Refusal {
  const type = given?.type ?? FilterType.FILTER_TYPE_UNSPECIFIED
  const expression = given?.expression ?? ''
  if (type !== FilterType.SQL && type !== FilterType.TAG && type !== FilterType.FILTER_TYPE_UNSPECIFIED) {
    return refusal(Code.ILLEGAL_FILTER_EXPRESSION, `${field}.type: ${Number(type)} is unknown; there are TAG and SQL`)
  }
  try {
    return type === FilterType.SQL ? filters.filter('SQL92', expression) : filters.filter('TAG', expression.trim())
  } catch (error) {
    if (!(error instanceof MqError)) throw error
    return refusal(Code.ILLEGAL_FILTER_EXPRESSION, `${field}: ${error.message}`)
  }
}
