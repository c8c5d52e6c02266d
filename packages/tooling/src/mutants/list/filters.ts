// A filter delivers what matches, and loses nothing else.
import type { Mutant } from '../mutant.ts'

const TABLE_TEST = {
  testFile: 'packages/filter/test/sql-filter.test.ts',
  test: 'sql: constants, IS NULL and AND/OR over them → the truth tables of three values',
}

export const FILTER_MUTANTS: readonly Mutant[] = [
  {
    name: 'An unknown side of AND or OR counts as its other value',
    file: 'packages/filter/src/sql/compile.ts',
    text: 'if (truth === UNKNOWN) outcome = UNKNOWN',
    replacement: '',
    ...TABLE_TEST,
  },
  {
    name: 'A property that is no number is only unknown',
    file: 'packages/filter/src/sql/compile.ts',
    text: 'if (value === undefined) return FAILED',
    replacement: 'if (value === undefined) return UNKNOWN',
    testFile: 'packages/filter/test/sql-filter.test.ts',
    test: 'sql: a property that is no number → the message is passed by, whatever else would match it',
  },
  {
    name: 'Long numbers are compared as doubles',
    file: 'packages/filter/src/sql/numbers.ts',
    text: 'return Number.isSafeInteger(asNumber) ? asNumber : value',
    replacement: 'return asNumber',
    testFile: 'packages/filter/test/sql/numbers.test.ts',
    test: 'numbers: any two longs → compared exactly, also beyond what a double holds',
  },
  {
    name: 'A tag is not compared by its text before it leaves the broker',
    file: 'services/broker/src/pop/read-messages.ts',
    text: 'if (matches !== undefined && message.attempt === 1 && !matches(body, from)) {',
    replacement: 'if (false as boolean && matches?.(body, from)) {',
    testFile: 'services/broker/test/pop/filters.test.ts',
    test: 'filter: tags of equal hash → told apart by their text; the twin is filtered, and nobody waits for the next poll',
  },
  {
    name: 'A record that is still being read gives its buffer to the next one',
    file: 'services/broker/src/pop/record-look.ts',
    text: 'if (into === scratch) scratch = undefined',
    replacement: '',
    testFile: 'services/broker/test/pop/record-filter.test.ts',
    test: 'judge: a record on disk → unknown until it was read; others in memory do not disturb its bytes',
  },
  {
    name: 'A scan goes on behind a record that it could not judge',
    file: 'services/broker/src/pop/take-messages.ts',
    text: "judgement === 'other' ? 'skip' : 'stop'",
    replacement: "judgement === 'other' ? 'skip' : 'skip'",
    testFile: 'services/broker/test/pop/filters.test.ts',
    test: 'filter: records that are on disk only → read, and the same is delivered and filtered as from memory',
  },
  {
    name: 'A pop ends with the share of records that it may read',
    file: 'services/broker/src/pop/take-messages.ts',
    text: 'unitsLeft <= 0 || records?.isExhausted === true',
    replacement: 'unitsLeft <= 0',
    testFile: 'services/broker/test/pop/filters.test.ts',
    test: 'filter: more records than one pop reads, the match behind them → found at once all the same',
  },
  {
    name: 'A wrong filter in the settings of a client is taken',
    file: 'services/proxy/src/rpc/telemetry.ts',
    text: "if ('code' in filter) return filter",
    replacement: '',
    testFile: 'services/proxy/test/rpc/telemetry.test.ts',
    test: 'telemetry: %s → a status and INVALID_ARGUMENT, both naming it',
  },
]
