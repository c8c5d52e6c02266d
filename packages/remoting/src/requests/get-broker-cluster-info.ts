// GET_BROKER_CLUSTER_INFO: all clusters and their brokers. Body of the answer: ClusterInfo.
import { RequestCode } from '../codec/codes.ts'
import { defineRequest } from '../codec/define-request.ts'

export const GetBrokerClusterInfo = defineRequest({
  code: RequestCode.GET_BROKER_CLUSTER_INFO,
  name: 'GET_BROKER_CLUSTER_INFO',
  header: {},
  answer: {},
})
