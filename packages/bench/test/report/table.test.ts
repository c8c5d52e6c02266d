import { expect, test } from '@jest/globals'
import { tableOf } from '../../src/report/table.ts'

test('table: columns of numbers → aligned to the right, others to the left', () => {
  const rows = [
    ['one', '1.5'],
    ['seventeen', '–'],
  ]
  expect(tableOf(['Name', 'Value'], rows)).toEqual([
    '| Name      | Value |',
    '| --------- | ----: |',
    '| one       |   1.5 |',
    '| seventeen |     – |',
  ])
})
