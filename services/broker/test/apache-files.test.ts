// Files as operators of Apache's brokers have them: what is the same is taken, what has no effect is told, and what would
// change the broker stops it.
import { expect, test } from '@jest/globals'
import { formatFaults, parseConfig, readConfigFile } from '@rocketmq-ts/config'
import { brokerConfig } from '../src/config.ts'

function read(content: string) {
  return parseConfig(brokerConfig, { file: readConfigFile('broker.conf', Buffer.from(content)) })
}

test("file: conf/broker.conf of Apache's distribution → taken, and all of it has an effect", () => {
  const result = read(`
# Licensed to the Apache Software Foundation (ASF) under one or more
brokerClusterName = DefaultCluster
brokerName = broker-a
brokerId = 0
deleteWhen = 04
fileReservedTime = 48
brokerRole = ASYNC_MASTER
flushDiskType = ASYNC_FLUSH
`)
  expect(result).toMatchObject({ ok: true, config: { brokerName: 'broker-a', flushDiskType: 'ASYNC_FLUSH' } })
  expect(result).toMatchObject({ config: { deleteWhen: '04', fileReservedTime: 48 } })
  expect(result.warnings).toEqual([])
})

test('file: what many deployments copied from each other → taken, each property without an effect told once', () => {
  const result = read(`
brokerClusterName=rocketmq-cluster
brokerName=broker-a
brokerId=0
namesrvAddr=10.0.0.1:9876;10.0.0.2:9876
defaultTopicQueueNums=4
autoCreateTopicEnable=true
autoCreateSubscriptionGroup=true
listenPort=10911
deleteWhen=04
fileReservedTime=120
mapedFileSizeCommitLog=1073741824
mapedFileSizeConsumeQueue=300000
destroyMapedFileIntervalForcibly=120000
redeleteHangedFileInterval=120000
diskMaxUsedSpaceRatio=88
storePathRootDir=/usr/local/rocketmq/store
storePathCommitLog=/usr/local/rocketmq/store/commitlog
storePathConsumeQueue=/usr/local/rocketmq/store/consumequeue
storePathIndex=/usr/local/rocketmq/store/index
storeCheckpoint=/usr/local/rocketmq/store/checkpoint
abortFile=/usr/local/rocketmq/store/abort
maxMessageSize=65536
flushCommitLogLeastPages=4
flushConsumeQueueLeastPages=2
flushCommitLogThoroughInterval=10000
flushConsumeQueueThoroughInterval=60000
brokerRole=ASYNC_MASTER
flushDiskType=SYNC_FLUSH
checkTransactionMessageEnable=false
sendMessageThreadPoolNums=128
pullMessageThreadPoolNums=128
useReentrantLockWhenPutMessage=true
waitTimeMillsInSendQueue=1000
transientStorePoolEnable=true
warmMapedFileEnable=true
`)
  expect(result.ok ? '' : formatFaults(result.faults)).toBe('')
  expect(result).toMatchObject({
    config: {
      maxMessageSize: 65_536,
      mappedFileSizeCommitLog: 2 ** 30,
      flushDiskType: 'SYNC_FLUSH',
      storePathRootDir: '/usr/local/rocketmq/store',
    },
  })
  expect(result.warnings).toHaveLength(18)
  expect(result.warnings.every(({ reason }) => /^has no effect: \w+ /.test(reason))).toBe(true)
})

test.each(['true', 'false'])('file: enablePropertyFilter=%s → SQL filters are always offered', (value) => {
  const result = read(`enablePropertyFilter=${value}`)
  expect(result.ok).toBe(true)
  expect(formatFaults(result.warnings)).toContain('SQL filters are always offered')
})

test.each([
  ['brokerId=1\nbrokerRole=SLAVE', 'broker.conf:1: brokerId: "1" is more than 0'],
  ['brokerRole=SLAVE', 'remove it, or set it to ASYNC_MASTER'],
  ['brokerRole=SYNC_MASTER', 'broker.conf:1: brokerRole: "SYNC_MASTER" is not offered: there are no slaves'],
  ['aclEnable=true', 'everybody could do everything'],
  ['authenticationEnabled=true', 'everybody could do everything'],
  ['initAuthenticationUser={"username":"a","password":"s3cret"}', 'what is given is not offered'],
  ['enableDLegerCommitLog=true', '"true" is not offered'],
  ['enableControllerMode=true', '"true" is not offered'],
  ['inSyncReplicas=2', 'remove it, or set it to 1'],
  ['useTLS=true', 'brokers speak plaintext'],
  ['storeType=defaultRocksDB', 'one kind of store'],
  ['fetchNamesrvAddrByAddressServer=true', 'those of namesrvAddr'],
  ['brokerPermission=4', 'drain it with rmq'],
  ['maxMessageSize=8388608', 'broker.conf:1: maxMessageSize: "8388608" is more than 4MiB'],
  ['storePathCommitLog=/other', 'is not the commitlog of storePathRootDir, where the log always is; remove it'],
  ['namesrvAddr=a;b:1', "'a' is not host:port; part addresses with ;"],
  ['sendMesageThreadPoolNums=1', 'is not a setting; is sendMessageThreadPoolNums meant?'],
])('file: %j → a fault that says %j', (content, expected) => {
  const result = read(content)
  expect(result.ok).toBe(false)
  expect(result.ok ? '' : formatFaults(result.faults)).toContain(expected)
})

test('file: no fault and no warning shows a password', () => {
  const result = read('initAuthenticationUser=s3cret\ninnerClientAuthenticationCredentials=s3cret')
  const said = formatFaults([...(result.ok ? [] : result.faults), ...result.warnings])
  expect(said).not.toContain('s3cret')
  expect(said.split('\n')).toHaveLength(2)
})
