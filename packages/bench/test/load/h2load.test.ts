import { expect, test } from '@jest/globals'
import { parseH2Load } from '../../src/load/h2load.ts'

test('h2load: its report → rate and counts', () => {
  const report = `
finished in 4.91s, 12208.52 req/s, 1.73MB/s
requests: 60000 total, 60000 started, 60000 done, 59998 succeeded, 2 failed, 2 errored, 0 timeout
status codes: 59998 2xx, 0 3xx, 0 4xx, 0 5xx
`
  expect(parseH2Load(report)).toEqual({ perSecond: 12_208.52, succeeded: 59_998, failed: 2 })
})

test('h2load: something else → an error that shows it', () => {
  expect(() => parseH2Load('could not connect')).toThrow('could not connect')
})
