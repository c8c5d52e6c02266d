// What Apache is asked once, so that the table in packages/filter/test/sql says what it does.
import type { Question } from './apache-evaluator.ts'

type Properties = Question['properties']

const NONE: Properties = {}
const a = (...values: readonly string[]): Properties[] => values.map((value) => ({ a: value }))
const NUMBERS = a('5', '3', '7', '5.0', 'x', '', '-5', '+5', '005')

/** Expressions with the messages that they are evaluated for. */
const CASES: readonly (readonly [expressions: readonly string[], messages: readonly Properties[]])[] = [
  // Numbers: the type of the constant decides how the property is read.
  [
    ['a = 5', 'a <> 5', 'a > 5', 'a >= 5', 'a < 5', 'a <= 5', '5 = a', '5 <> a', '5 < a', '5 >= a'],
    [NONE, ...NUMBERS],
  ],
  [
    ['a = 5.5', 'a > 4.5', 'a < 5.5', '4.5 <= a'],
    [NONE, ...a('5.5', '5', '5.5d', ' 5.5 ', '55e-1', 'NaN', 'Infinity', 'x')],
  ],
  [['a = 3000000000', 'a > 3000000000'], a('3000000000', '3000000001', '3000000000.0', '99999999999999999999')],
  [
    ['a = 9007199254740993', 'a < 9223372036854775807'],
    a('9007199254740992', '9007199254740993', '9223372036854775807'),
  ],
  [['a = 2147483647', 'a > 2147483647', 'a < 2147483648'], a('2147483647', '2147483648', '-2147483649')],
  [['a = 5L', 'a = 5l', 'a = 0', 'a > .5', 'a > 5.', 'a < 5e1', 'a < 5E-1', 'a < .5e+1'], a('5', '0', '4', '-0')],
  [
    ['a = -5', 'a > -5', 'a > - 5', 'a = - -5', 'a = +5', 'a > +-5', '-5 < a', 'a = -2147483648'],
    [NONE, ...a('-5', '5')],
  ],
  [['a > 0.0', 'a > 1e999', 'a > 1e-999', 'a = 9223372036854775808', 'a = -9223372036854775808'], a('1')],
  [
    [
      'a = 5 AND a = 5.0',
      'a = 5.0 OR a = 5',
      '5 = 5.0',
      '5 = 5',
      '5 <> 6',
      '3000000000 > 5',
      '5 > 5.5',
      '5 = 3000000000',
    ],
    a('5'),
  ],
  [
    ['a > b', 'a >= b', 'a < b', 'a = b', 'a <> b'],
    [
      NONE,
      { a: '5' },
      { b: '5' },
      { a: '5', b: '5.0' },
      { a: '10', b: '9' },
      { a: 'x', b: 'x' },
      { a: '-0.0', b: '0' },
      { a: 'NaN', b: '1' },
    ],
  ],
  // Text.
  [
    ["a = 'x'", "a <> 'x'", "'x' = a", "'x' <> a", "a = ''", "a = 'X'"],
    [NONE, ...a('x', 'X', '', 'x ')],
  ],
  [
    ["a = 'it''s'", "a = '''' ", "a = 'a\nb'", "a = '测试'", 'a = "x"', "a = 'x", "a = 'x'' "],
    a("it's", "'", 'a\nb', '测试', 'x'),
  ],
  [["a > 'x'", "a BETWEEN 'a' AND 'b'", "'5' < a", "'5' = 5", "5 = '5'", "'x' = 5", "'x' = 'x'", "'x' = 'y'"], a('5')],
  [
    ["a IN ('x', 'y')", "a NOT IN ('x', 'y')", "a IN ('x')", "a IN ('1','2','3','4','5','6')"],
    [NONE, ...a('x', 'z', '6', '')],
  ],
  [['a IN ()', 'a IN (5)', "'x' IN ('x')", "(a) IN ('x')", "a IN ('x',)", "a IN 'x'", "NOT a IN ('x')"], a('x')],
  [
    [
      "a CONTAINS 'b'",
      "a NOT CONTAINS 'b'",
      "a STARTSWITH 'b'",
      "a NOT STARTSWITH 'b'",
      "a ENDSWITH 'b'",
      "a NOT ENDSWITH 'b'",
    ],
    [NONE, ...a('abc', 'b', 'bcd', 'acb', 'xyz', 'B', '')],
  ],
  [
    [
      "a CONTAINS ''",
      "a NOT CONTAINS ''",
      "a STARTSWITH ''",
      "a NOT ENDSWITH ''",
      "'abc' CONTAINS 'b'",
      "5 NOT CONTAINS '5'",
    ],
    a('abc'),
  ],
  [['a CONTAINS 5', 'a CONTAINS b', "a contains 'b'", "NOT a CONTAINS 'b'", "(a = 5) CONTAINS 'x'"], a('abc', '5')],
  [
    ["a LIKE 'x%'", "a NOT LIKE 'x'", "a = 1 LIKE 'x'", 'LIKE = 1', "a IS 'x'"],
    [...a('xyz', '1'), { LIKE: '1' }],
  ],
  // Booleans and missing values.
  [
    ['TRUE', 'FALSE', 'NULL', 'a', 'NOT a', 'a AND TRUE', 'a OR TRUE', '(a)', '(TRUE)', 'NOT NULL', 'NOT TRUE'],
    [NONE, ...a('true', 'x')],
  ],
  [
    ['a = TRUE', 'a <> TRUE', 'a = FALSE', 'a = true', 'TRUE = a', 'FALSE <> a', 'TRUE = TRUE', 'TRUE = FALSE'],
    [NONE, ...a('true', 'TRUE', 'false', '1')],
  ],
  [
    [
      'TRUE = 5',
      '5 = TRUE',
      "TRUE = 'x'",
      "'true' = TRUE",
      'TRUE = -5',
      '-TRUE = a',
      'a = -TRUE',
      "a > -'x'",
      '-a = 5',
      '-a IS NULL',
    ],
    [NONE, ...a('5', 'true')],
  ],
  [
    [
      'a IS NULL',
      'a IS NOT NULL',
      'NOT a IS NULL',
      '5 IS NULL',
      'NULL IS NULL',
      'TRUE IS NOT NULL',
      '(a = 5) IS NULL',
      'a IS NULL IS NOT NULL',
    ],
    [NONE, ...a('5', '', 'x')],
  ],
  [
    [
      'a = NULL',
      'NULL = a',
      'a <> NULL',
      'a > NULL',
      'a BETWEEN NULL AND 5',
      'a IN (NULL)',
      'a IS TRUE',
      'a IS NOT TRUE',
    ],
    a('5'),
  ],
  // AND, OR, NOT with unknown and failing sides.
  [
    [
      'a = 5 AND b = 5',
      'b = 5 AND a = 5',
      'a = 5 OR b = 5',
      'b = 5 OR a = 5',
      'NOT (a = 5 AND b = 5)',
      'NOT (a = 5 OR b = 5)',
    ],
    [
      NONE,
      { a: '5' },
      { a: '6' },
      { b: '5' },
      { a: '5', b: '5' },
      { a: '5', b: 'x' },
      { a: '6', b: 'x' },
      { a: 'x', b: '5' },
      { b: 'x' },
    ],
  ],
  [
    ['a = 1 OR b = 1 AND c = 1', '(a = 1 OR b = 1) AND c = 1', 'NOT a = 1 OR b = 1', 'NOT (a = 1) AND NOT (b = 1)'],
    [{ a: '1' }, { a: '1', c: '2' }, { b: '1', c: '1' }, { a: '2', b: '2' }, { a: 'true', b: '1' }],
  ],
  [
    ['NOT a = TRUE', 'NOT a', 'NOT NOT a = 5', 'NOT (NOT (a = 5))', 'NOT 5', "NOT 'x'", 'NOT a > 5'],
    [NONE, ...a('true', '5')],
  ],
  [
    [
      'a = 1 OR a = 2 OR a = 3',
      'a > 1 AND a < 9 AND a <> 5',
      'NULL OR a = 5',
      'NULL AND a = 5',
      'TRUE OR a = 5',
      'FALSE AND a = 5',
    ],
    [NONE, ...a('3', '5', 'x')],
  ],
  // BETWEEN.
  [
    [
      'a BETWEEN 3 AND 5',
      'a NOT BETWEEN 3 AND 5',
      'a BETWEEN 3.5 AND 5',
      'a BETWEEN -1 AND 5',
      'a BETWEEN b AND 5',
      '4 BETWEEN a AND 5',
    ],
    [NONE, ...a('3', '5', '4', '2', '6', 'x', '4.5'), { a: '4', b: '1' }, { a: '4', b: '5' }],
  ],
  [
    [
      'a BETWEEN 5 AND 3',
      'a NOT BETWEEN 5 AND 3',
      'a BETWEEN 5 AND -3',
      'a BETWEEN 5 AND 5.0',
      'a BETWEEN 5.5 AND 5',
      'a BETWEEN 3 OR 5',
    ],
    a('4', '5'),
  ],
  [
    ['a BETWEEN 3 AND 5 AND b = 1', 'a BETWEEN 3 AND 5 OR b = 1', 'a BETWEEN TRUE AND FALSE', "a BETWEEN '3' AND 5"],
    [{ a: '4', b: '1' }, { b: '1' }],
  ],
  // Structure, spaces, comments, names.
  [
    ['a = 5 = TRUE', 'a > 5 > 3', 'a = b = c', '(a > 3) = (b > 3)', '(a > 3) <> TRUE', '(a = 5) = 5', '(a = 5) > 3'],
    [NONE, { a: '5', b: '5', c: 'true' }],
  ],
  [
    [
      'a=5',
      '  a  =\t5\n',
      'a/* x */=5',
      'a = 5 -- end\n',
      'a = 5 -- end',
      '-- start\na = 5',
      '/**/a = 5',
      '/* a = 5',
      'a = --5',
      'A = 5',
      'a = 5 and A IS NULL',
    ],
    a('5'),
  ],
  [
    [
      '_a = 1',
      '$a = 1',
      'a1 = 1',
      '1a = 1',
      'a-b = 1',
      'a.b = 1',
      "TAGS = 'x'",
      'between = 1',
      'In = 1',
      'true = a',
      'ä = 1',
    ],
    [{ _a: '1', $a: '1', a1: '1', a: '1', TAGS: 'x', 'a-b': '1', 'a.b': '1', between: '1' }],
  ],
  [
    [
      '',
      '   ',
      '(',
      ')',
      '()',
      'AND',
      'a AND',
      'OR a',
      'a =',
      '= 5',
      'a = = 5',
      'a == 5',
      'a != 5',
      'a <> 5 <',
      'a + 5 = 10',
      'a * 5 = 25',
      '5',
      "'x'",
      '-a',
      '+a',
    ],
    a('5'),
  ],
  [
    [
      'a = 5;',
      'a = 5)',
      '(a = 5',
      'a = 5 b = 6',
      'a = 5 5',
      'a = 007',
      '0L = a',
      'a = 0x5',
      'a && b',
      'a = 5 || TRUE',
      'now() > 5',
      '#',
      'a = ?',
    ],
    a('5', '0'),
  ],
]

/** Every expression with every one of its messages. */
export function questions(): readonly Question[] {
  return CASES.flatMap(([expressions, messages]) =>
    expressions.flatMap((expression) => messages.map((properties) => ({ expression, properties }))),
  )
}
