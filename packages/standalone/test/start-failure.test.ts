import { expect, test } from '@jest/globals'
import { FileError, NetworkError } from '@rocketmq-ts/runtime'
import { explainStart, StartFailure } from '../src/start-failure.ts'

const BROKER = { name: 'the broker', flag: '--broker-port', host: '127.0.0.1', port: 10911 }

test('start: a port is taken → a sentence with port, owner and flag', () => {
  const explained = explainStart(BROKER, new NetworkError('address-in-use', 'port 10911 is taken by process 7'))
  expect(explained).toBeInstanceOf(StartFailure)
  expect(String(explained)).toBe(
    'StartFailure: the broker can not start: port 10911 is taken by process 7. ' +
      'Choose another with --broker-port, or stop the process that holds it.',
  )
})

test('start: a locked folder → the holder and the flag', () => {
  const explained = explainStart(BROKER, new FileError('locked', '/data', 'the folder is held by process 7'))
  expect(String(explained)).toContain('the folder is held by process 7: /data. Choose another folder with --data-dir.')
})

test('start: an unforeseen error → the error itself', () => {
  const error = new TypeError('defect')
  expect(explainStart(BROKER, error)).toBe(error)
})
