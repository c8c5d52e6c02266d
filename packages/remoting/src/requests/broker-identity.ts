// The four fields that name a broker at the nameserver.
import { int64, text } from '../codec/fields.ts'

export const brokerIdentity = {
  clusterName: text(),
  brokerName: text(),
  /** 'host:port' that clients connect to. */
  brokerAddr: text(),
  /** 0 is the master. */
  brokerId: int64(),
}
