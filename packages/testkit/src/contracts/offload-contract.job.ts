// The jobs that the contract of `Offload` asks for.
import { moduleBeside, type OffloadJob } from '@rocketmq-ts/runtime'

const module = moduleBeside(import.meta.url, 'offload-contract.job')

/** A copy with each number doubled. */
export const double: OffloadJob<readonly number[], number[]> = {
  name: 'contract/double',
  module,
  run: (numbers) => numbers.map((number) => number * 2),
}

/** Adds one to each byte, in place; the buffer comes in and goes out without a copy. */
export const addOne: OffloadJob<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>> = {
  name: 'contract/add-one',
  module,
  run(bytes) {
    for (let at = 0; at < bytes.length; at += 1) bytes[at] = (bytes[at] ?? 0) + 1
    return bytes
  },
  transfer: (bytes) => [bytes.buffer],
}

/** Throws what it is given as the message of an error. */
export const fail: OffloadJob<string, never> = {
  name: 'contract/fail',
  module,
  run(message) {
    throw new Error(message)
  },
}

/** Breaks the rule that outputs can be cloned. */
export const answerFunction: OffloadJob<null, unknown> = {
  name: 'contract/answer-function',
  module,
  run: () => () => 1,
}
