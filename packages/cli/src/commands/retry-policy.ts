// Reads a retry policy as people write it, or as mqadmin takes it.
import {
  checkRetryPolicy,
  decodeSubscriptionGroupConfig,
  type GroupRetryPolicy,
  MqError,
  parseJavaJson,
  RETRY_DELAY_MS_MAX,
  RETRY_MULTIPLIER_MAX,
} from '@rocketmq-ts/model'
import { InvalidArgumentError } from 'commander'
import { CliFailure } from '../failures.ts'
import { duration, number } from '../values.ts'

const FORMS = 'Write default, delays as 1s,5s,30s, or exponential:INITIAL,MAX,MULTIPLIER as exponential:5s,2h,2.'

/** `default` are the 18 delays of Apache; `exponential` alone is its policy. Throws CliFailure 'usage'. */
export function readRetryPolicy(text: string): GroupRetryPolicy {
  try {
    const policy = text.startsWith('{') ? ofJson(text) : ofWords(text)
    checkRetryPolicy(policy)
    return policy
  } catch (error) {
    if (!(error instanceof InvalidArgumentError || error instanceof MqError)) throw error
    throw new CliFailure('usage', `--retry-policy '${text}': ${error.message.replace(/\.$/, '')}`, FORMS)
  }
}

function ofJson(text: string): GroupRetryPolicy {
  return decodeSubscriptionGroupConfig(parseJavaJson(`{"groupName":"g","groupRetryPolicy":${text}}`)).groupRetryPolicy
}

function ofWords(text: string): GroupRetryPolicy {
  if (text === 'default') return { type: 'CUSTOMIZED' }
  if (text === 'exponential') return { type: 'EXPONENTIAL' }
  const delay = duration(0, RETRY_DELAY_MS_MAX)
  const numbers = /^exponential:([^,]*),([^,]*),([^,]*)$/.exec(text)
  if (numbers === null) return { type: 'CUSTOMIZED', customizedRetryPolicy: { next: text.split(',').map(delay) } }
  const [, initial = '', max = '', multiplier = ''] = numbers
  return {
    type: 'EXPONENTIAL',
    exponentialRetryPolicy: {
      initial: delay(initial),
      max: delay(max),
      multiplier: number(1, RETRY_MULTIPLIER_MAX)(multiplier),
    },
  }
}
