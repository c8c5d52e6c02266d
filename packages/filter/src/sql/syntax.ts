// What an expression consists of once it was parsed. Java: org.apache.rocketmq.filter.expression.
import type { JavaNumber } from './numbers.ts'

/** Something that is compared. A property is a string or missing. */
export type Operand =
  | { readonly kind: 'property'; readonly name: string }
  | { readonly kind: 'text'; readonly value: string }
  /** `isLiteral`: false behind a sign, for which Apache's parser makes fewer checks. */
  | { readonly kind: 'number'; readonly value: JavaNumber; readonly isLiteral: boolean }
  | { readonly kind: 'condition'; readonly condition: Condition }
  /** '-' in front of what is no number: never has a value. */
  | { readonly kind: 'negated'; readonly of: Operand }

export type EqualityOperator = '=' | '<>'
export type OrderOperator = '>' | '>=' | '<' | '<='
export type TextOperator = 'CONTAINS' | 'STARTSWITH' | 'ENDSWITH'

/** Something that is true, false or unknown. */
export type Condition =
  | { readonly kind: 'constant'; readonly value: boolean | null }
  | { readonly kind: 'and' | 'or'; readonly of: readonly Condition[] }
  | { readonly kind: 'not'; readonly of: Condition }
  /** A property that stands alone: no property is a boolean, so it is false, or unknown where it is missing. */
  | { readonly kind: 'cast'; readonly name: string }
  | { readonly kind: 'null'; readonly of: Operand }
  | { readonly kind: 'equal'; readonly left: Operand; readonly right: Operand }
  | { readonly kind: 'order'; readonly operator: OrderOperator; readonly left: Operand; readonly right: Operand }
  | { readonly kind: 'in'; readonly name: string; readonly values: ReadonlySet<string>; readonly isNot: boolean }
  | {
      readonly kind: 'text'
      readonly operator: TextOperator
      readonly of: Operand
      readonly needle: string
      readonly isNot: boolean
    }
