import { expect, test } from '@jest/globals'
import { OTHERS_SHARE_MAX } from '../../src/floor.ts'
import type { OrderFigures } from '../../src/order/order-bench.ts'
import { judgeOrder, orderMarkdown } from '../../src/order/order-floors.ts'
import { GROWTH_RATIO_MAX } from '../../src/store/store-floors.ts'

function figuresOf(costs: readonly (number | undefined)[], othersShare = OTHERS_SHARE_MAX): OrderFigures {
  return {
    othersShare,
    messages: 1000,
    costs: costs.map((cpuUs, index) => ({ messageGroups: 10 ** index, cpuUsPerMessage: [cpuUs], cpuUs })),
  }
}

test('floor of order: the dearest costs as much more than the cheapest as it may → passed; beyond, also of few groups → failed; a quick run → skipped', () => {
  expect(judgeOrder(figuresOf([10, 10 * GROWTH_RATIO_MAX, 12]), 'full').outcome).toBe('passed')
  expect(judgeOrder(figuresOf([10, 10 * GROWTH_RATIO_MAX + 0.1, 12]), 'full').outcome).toBe('failed')
  expect(judgeOrder(figuresOf([12, 10, 10 * GROWTH_RATIO_MAX + 0.1]), 'full').outcome).toBe('failed')
  expect(judgeOrder(figuresOf([10 * GROWTH_RATIO_MAX + 0.1, 10, 12]), 'full').outcome).toBe('failed')
  expect(judgeOrder(figuresOf([10, 99]), 'quick').outcome).toBe('skipped')
})

test('floor of order: too dear while others used the machine, or not told → skipped, and why', () => {
  const busy = judgeOrder(figuresOf([10, 99], 0.3), 'full')
  expect(busy).toMatchObject({ outcome: 'skipped', detail: expect.stringContaining('others used 30 % of the cores') })
  expect(judgeOrder(figuresOf([10, undefined]), 'full').detail).toBe('this platform does not tell it')
})

test('report of order: every run and the median, also where the platform does not tell them', () => {
  const text = orderMarkdown(figuresOf([10.5, undefined])).join('\n')
  expect(text).toContain('10.50')
  expect(text).toContain('–')
})
