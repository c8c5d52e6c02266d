import { expect, test } from '@jest/globals'
import { formatFaults, parseConfig, readConfigFile } from '@rocketmq-ts/config'
import { nameServerConfig } from '../src/config.ts'

function read(content: string) {
  return parseConfig(nameServerConfig, { file: readConfigFile('namesrv.properties', Buffer.from(content)) })
}

test("file: as Apache's nameservers have it → taken, each property without an effect told", () => {
  const result = read(
    'rocketmqHome=/opt/rocketmq\nlistenPort=9877\nkvConfigPath=/data/kv.json\nbindAddress=0.0.0.0\n' +
      'defaultThreadPoolNums=16\nserverWorkerThreads=8\nenableAllTopicList=false\nneedWaitForService=false\n',
  )
  expect(result).toMatchObject({
    ok: true,
    config: { listenPort: 9877, listenHost: '0.0.0.0', enableAllTopicList: false },
  })
  expect(result.warnings.map(({ name }) => name)).toEqual([
    'rocketmqHome',
    'kvConfigPath',
    'defaultThreadPoolNums',
    'serverWorkerThreads',
  ])
})

test.each([
  ['supportActingMaster=true', 'namesrv.properties:1: supportActingMaster: "true" is not offered'],
  ['enableControllerInNamesrv=true', 'there are no slaves and no elections yet'],
  ['orderMessageEnable=true', 'remove it, or set it to false'],
  ['listenport=1', 'is not a setting; is listenPort meant?'],
])('file: %j → a fault that says %j', (content, expected) => {
  const result = read(content)
  expect(result.ok ? '' : formatFaults(result.faults)).toContain(expected)
})
