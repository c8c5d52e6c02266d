import { expect, test } from '@jest/globals'
import { appendProperty, PropertyName, SystemTopic } from '@rocketmq-ts/model'
import { duesOf } from '../../src/store-world/check-waits.ts'
import type { LogImage, LogRecord } from '../../src/store-world/log-image.ts'
import { bodyOf, Model, TopicModel } from '../../src/store-world/model.ts'
import { waitOf } from '../../src/store-world/wait.ts'

/** The log holds a message that was asked to wait from 100 to 1000. */
function dueOf(record: Partial<LogRecord>, [name, dueMs]: readonly [name: string, dueMs: number]) {
  const model = new Model([new TopicModel('T')], [])
  const message = model.message('T', bodyOf(0, 20), 'A', 'key')
  message.wait = waitOf('time', 1000)
  const properties = appendProperty('', name, String(dueMs))
  const held = { topic: SystemTopic.TIMER, body: message.body, properties, bornMs: 100, storeMs: 101, ...record }
  const [due] = duesOf(model, { records: [held as LogRecord] } as unknown as LogImage).values()
  return due
}

test('store world, waits: the broker took the message later than it was sent → it is due as much later, and no more', () => {
  const { TIMER_OUT_MS, DUE_MS } = PropertyName
  expect(dueOf({ storeMs: 600 }, [TIMER_OUT_MS, 1490])).toBe(1490)
  expect(dueOf({ storeMs: 600, topic: SystemTopic.SCHEDULE }, [DUE_MS, 1490])).toBe(1490)
  expect(dueOf({ storeMs: 600 }, [TIMER_OUT_MS, 9000])).toBe(1500)
  expect(dueOf({ storeMs: 600 }, [TIMER_OUT_MS, 900])).toBe(1000)
  expect(dueOf({ storeMs: 600, topic: 'T' }, [TIMER_OUT_MS, 1490])).toBe(1000)
})
