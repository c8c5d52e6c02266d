// A record of a broker in the words of the domain.
import { type MessageRecord, offsetMessageId } from '@rocketmq-ts/model'
import { formatAddress } from '@rocketmq-ts/remoting'
import type { StoredMessage } from './upstream.ts'

export function storedMessageOf(
  record: MessageRecord,
  properties: ReadonlyMap<string, string>,
  reconsumeTimes: number,
): StoredMessage {
  const { queueId, queueOffset, commitLogOffset, sysFlag, bornTimestampMs, storeTimestampMs, storeHost, body } = record
  return {
    queueId,
    queueOffset,
    sysFlag,
    bornTimestampMs,
    bornHost: formatAddress(record.bornHost),
    storeTimestampMs,
    storeHost: formatAddress(storeHost),
    reconsumeTimes,
    storeId: offsetMessageId(storeHost.host, storeHost.port, commitLogOffset),
    properties,
    body,
  }
}
