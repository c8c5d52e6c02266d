import { expect, test } from '@jest/globals'
import { createPinoLogger, type PinoLoggerOptions } from '../../src/node/index.ts'

function linesOf(
  options: Partial<PinoLoggerOptions>,
  log: (logger: ReturnType<typeof createPinoLogger>) => void,
): string[] {
  const lines: string[] = []
  log(createPinoLogger({ level: 'info', pretty: false, write: (line) => lines.push(line), ...options }))
  return lines
}

test('logger: JSON → one line per event with level, time, event and fields', () => {
  const lines = linesOf({ fields: { service: 'broker' } }, (logger) => {
    logger.info({ event: 'segment.rolled', baseOffset: 4096 } as { event: string })
    logger.debug({ event: 'unseen' })
  })
  expect(lines).toHaveLength(1)
  expect(JSON.parse(lines[0] ?? '')).toEqual({
    level: 'info',
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/u),
    service: 'broker',
    event: 'segment.rolled',
    baseOffset: 4096,
  })
})

test('logger: an error field → message and stack', () => {
  const lines = linesOf({}, (logger) => {
    logger.error({ event: 'store.failed', error: new Error('disk gone') } as { event: string })
  })
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({ error: { message: 'disk gone', stack: expect.any(String) } })
})

test('logger: readable → time, level, event, fields; no field can forge a line', () => {
  const lines = linesOf({ pretty: true }, (logger) => {
    logger.warn({ event: 'client.refused', address: '10.0.0.1:80', reason: 'bad\nname\u001b[31m' } as { event: string })
  })
  expect(lines).toEqual([
    expect.stringMatching(
      /^\d\d:\d\d:\d\d\.\d{3} warn  client\.refused address=10\.0\.0\.1:80 reason="bad\\nname\\u001b\[31m"\n$/u,
    ),
  ])
})

test('logger: readable, with an error → its stack on lines of their own', () => {
  const lines = linesOf({ pretty: true }, (logger) => {
    logger.error({ event: 'store.failed', error: new Error('disk gone') } as { event: string })
  })
  expect(lines[0]).toMatch(/^\d\d:\d\d:\d\d\.\d{3} error store\.failed\n {4}Error: disk gone\n {4}at /u)
})
