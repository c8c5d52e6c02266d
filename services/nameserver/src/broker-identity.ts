// Who a broker says it is, checked before it becomes part of a route that clients parse.
import { MqError } from '@rocketmq-ts/model'
import { parseAddress } from '@rocketmq-ts/remoting'

export const BROKER_NAME_CHARS_MAX = 255
export const BROKER_ADDR_CHARS_MAX = 261

export interface BrokerIdentity {
  readonly clusterName: string
  readonly brokerName: string
  readonly brokerAddr: string
  readonly brokerId?: number | undefined
}

/** Names go into receipt handles and into text that old clients cut at spaces and commas. */
const NAME = /^[^\s\p{Cc},;"\\]+$/u

/** MqError 'parameter-invalid' names the first bad field. */
export function checkBroker(identity: BrokerIdentity): void {
  checkText('clusterName', identity.clusterName, BROKER_NAME_CHARS_MAX)
  checkText('brokerName', identity.brokerName, BROKER_NAME_CHARS_MAX)
  checkText('brokerAddr', identity.brokerAddr, BROKER_ADDR_CHARS_MAX)
  parseAddress(identity.brokerAddr)
  if (identity.brokerId !== undefined && identity.brokerId < 0) {
    throw new MqError(
      'parameter-invalid',
      `brokerId: ${identity.brokerId} is negative; the master is 0, slaves count from 1`,
    )
  }
}

function checkText(field: string, value: string, charsMax: number): void {
  if (value.length > charsMax) throw new MqError('parameter-invalid', `${field}: is longer than ${charsMax} characters`)
  if (!NAME.test(value)) {
    throw new MqError('parameter-invalid', `${field}: is empty, or holds a space, comma, semicolon, quote or backslash`)
  }
}
