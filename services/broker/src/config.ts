// Settings of the broker. Names are those of Apache's broker.conf (BrokerConfig.java, MessageStoreConfig.java) wherever
// it has the setting.
import {
  bool,
  bytes,
  type ConfigOf,
  defineConfig,
  durationMs,
  integer,
  memoryBudget,
  oneOf,
  port,
  text,
} from '@rocketmq-ts/config'
import { DELAY_LEVELS_TEXT, MqError, parseDelayLevels } from '@rocketmq-ts/model'
import { apacheBrokerSettings } from './apache-settings.ts'
import { deleteHoursOf } from './delete-hours.ts'
import { DELAY_SEC_MAX, MESSAGE_BODY_BYTES_MAX, QUEUES_PER_TOPIC_MAX } from './limits.ts'

const MIB = 1024 * 1024
const SECOND = 1000
const MINUTE = 60 * SECOND

/** Schema of the broker's settings; `parseConfig` gives `BrokerSettings`. */
export const brokerConfig = defineConfig(
  {
    brokerClusterName: text({ default: 'DefaultCluster', help: 'Cluster this broker belongs to.' }),
    brokerName: text({ default: 'broker-a', help: 'Name shared by a master and its slaves.' }),
    brokerId: integer({ default: 0, max: 0, help: '0 is the master; slaves are not offered yet.' }),
    listenHost: text({
      default: '127.0.0.1',
      aliases: ['bindAddress'],
      help: 'Address the port is bound to. There is no authentication: name another only in a trusted network.',
    }),
    listenPort: port({ default: 10_911, help: 'Remoting port for proxies and clients; 0 takes a free one.' }),
    healthHost: text({ default: '127.0.0.1', help: 'Address of the health port.' }),
    healthPort: port({ default: 8090, help: 'HTTP: /livez, /readyz, /metrics; 0 turns it off.' }),
    brokerIP1: text({
      default: '',
      mayBeEmpty: true,
      help: 'Address that routes name instead of listenHost; where that is 0.0.0.0, the first one of this machine.',
    }),
    namesrvAddr: text({ default: '127.0.0.1:9876', help: 'Nameservers, host:port separated by semicolons.' }),
    storePathRootDir: text({
      default: './data/broker',
      help: 'Folder of the commit log and all that derives from it.',
    }),
    storePathCommitLog: text({
      default: '',
      mayBeEmpty: true,
      help: "Apache's name of the folder commitlog in storePathRootDir; another folder is refused.",
    }),
    storePathClaimRoot: text({
      default: '',
      mayBeEmpty: true,
      flag: 'claim-folder',
      help:
        'Ours: take the lowest free folder broker-N in this one, and its name as brokerName; storePathRootDir and ' +
        'brokerName are not used. For any number of equal brokers on one machine.',
    }),
    flushDiskType: oneOf(['SYNC_FLUSH', 'ASYNC_FLUSH'], {
      default: 'ASYNC_FLUSH',
      help: 'When a send is acknowledged: on disk (SYNC_FLUSH), or written to the operating system (ASYNC_FLUSH).',
    }),
    flushIntervalCommitLog: durationMs({
      default: 500,
      min: 10,
      max: 10 * SECOND,
      help: 'Pause between flushes with ASYNC_FLUSH: what a power loss can take.',
    }),
    syncFlushTimeout: durationMs({
      default: 5 * SECOND,
      min: 100,
      max: MINUTE,
      help: 'A send that is not on disk after this is answered FLUSH_DISK_TIMEOUT (SYNC_FLUSH).',
    }),
    maxMessageSize: bytes({
      default: MESSAGE_BODY_BYTES_MAX,
      min: 1,
      max: MESSAGE_BODY_BYTES_MAX,
      help: 'Largest message body.',
    }),
    mappedFileSizeCommitLog: bytes({
      default: 1024 * MIB,
      aliases: ['mapedFileSizeCommitLog'],
      // The largest journal record, the state of one queue at its bounds, must fit into a segment.
      min: 16 * MIB,
      max: 4096 * MIB,
      help: 'Length of a commit log segment. Fixed for the life of a folder.',
    }),
    fileReservedTime: integer({
      default: 72,
      max: 1_000_000,
      help:
        'Hours that messages are kept. A file of the log (mappedFileSizeCommitLog) goes as a whole, when its last message ' +
        'is that old.',
    }),
    deleteWhen: text({ default: '04', help: 'Hours of the day, local time, in which old files go; part them with ;' }),
    diskMaxUsedSpaceRatio: integer({
      default: 75,
      max: 100,
      help: 'Percent of the disk in use above which old files go in any hour. 10 to 95 count.',
    }),
    diskSpaceCleanForciblyRatio: integer({
      default: 85,
      max: 100,
      help: 'Percent above which the oldest files go, however young (cleanFileForciblyEnable). 30 to 85 count.',
    }),
    diskSpaceWarningLevelRatio: integer({
      default: 90,
      max: 100,
      help: 'Percent above which sends are refused until there is room again. 35 to 90 count.',
    }),
    cleanFileForciblyEnable: bool({
      default: true,
      help: 'Rather lose the oldest messages than refuse new ones when the disk fills up.',
    }),
    cleanResourceInterval: durationMs({
      default: 10 * SECOND,
      min: SECOND,
      max: 10 * MINUTE,
      help: 'How often the broker looks for files that must go, while any may.',
    }),
    deleteCommitLogFilesInterval: durationMs({
      default: 100,
      max: MINUTE,
      help: 'Pause between two files of the log that go.',
    }),
    deleteFileBatchMax: integer({ default: 10, min: 1, max: 1000, help: 'Files of the log that go at once, at most.' }),
    mappedFileSizeConsumeQueue: bytes({
      default: 6_000_000,
      min: 2_000,
      max: 60_000_000,
      help: 'Length of a consume queue file, rounded up to whole entries of 20 bytes. Fixed for the life of a folder.',
    }),
    maxHashSlotNum: integer({
      default: 5_000_000,
      min: 1000,
      max: 100_000_000,
      help: 'Chains of a key index file, 4 bytes each on disk. Fixed for the life of a folder.',
    }),
    maxIndexNum: integer({
      default: 20_000_000,
      min: 1000,
      max: 100_000_000,
      help: 'Keys of a key index file, 20 bytes each on disk. Fixed for the life of a folder.',
    }),
    autoCreateTopicEnable: bool({ default: true, help: 'Create a topic when the first message is sent to it.' }),
    autoCreateSubscriptionGroup: bool({ default: true, help: 'Create a group when it first consumes.' }),
    defaultTopicQueueNums: integer({
      default: 8,
      min: 1,
      max: QUEUES_PER_TOPIC_MAX,
      help: 'Most queues of a topic that is created by a send.',
    }),
    transactionTimeOut: durationMs({
      default: 6 * SECOND,
      min: 10,
      max: 12 * 60 * MINUTE,
      help: 'How long a producer has to end a transaction before it is asked for the first time.',
    }),
    transactionCheckInterval: durationMs({
      default: 30 * SECOND,
      min: 10,
      max: 12 * 60 * MINUTE,
      help: 'How often a producer is asked about a transaction that nobody ended.',
    }),
    transactionCheckMax: integer({
      default: 15,
      max: 1000,
      help: 'Questions until such a message is given up: it goes to TRANS_CHECK_MAX_TIME_TOPIC.',
    }),
    rejectTransactionMessage: bool({ default: false, help: 'Refuse messages of transactions.' }),
    joinCluster: bool({
      default: false,
      help:
        'Ours: a broker without topics takes over the topics and consumer groups of its cluster before it is ready. ' +
        'For brokers that are added to share the load.',
    }),
    messageDelayLevel: text({
      default: DELAY_LEVELS_TEXT,
      help: 'Delays that messages name by number, level 1 first; each a number and s, m, h or d.',
    }),
    timerMaxDelaySec: integer({
      default: DELAY_SEC_MAX,
      min: 1,
      max: 365 * 86_400,
      help: "Furthest time that a message may be delayed to, seconds from now. Apache's broker has 259200, three days.",
    }),
    timerPrecisionMs: integer({
      default: 1,
      min: 1,
      max: 60_000,
      help: "Due times are rounded down to it. With 1000, as Apache's broker has it, messages come up to a second early.",
    }),
    timerWheelEnable: bool({ default: true, help: 'Take messages that are delayed to a time of their own.' }),
    recallMessageEnable: bool({ default: true, help: 'Let producers recall messages that are not due yet.' }),
    registerNameServerPeriod: durationMs({
      default: 30 * SECOND,
      min: 10 * SECOND,
      max: MINUTE,
      help: 'How often nameservers hear of this broker at least.',
    }),
    flushConsumerOffsetInterval: durationMs({
      default: 5 * SECOND,
      min: SECOND,
      help: 'How soon after a change the start cache and the files for Apache tools are renewed.',
    }),
    memoryBudget: memoryBudget(),
  },
  { envPrefix: 'ROCKETMQ_TS_BROKER_', foreign: apacheBrokerSettings, check: checkBrokerConfig },
)
export type BrokerSettings = ConfigOf<typeof brokerConfig>

const ADDRESS = /^(?:\[[^\]]+\]|[^:[\]\s]+):\d{1,5}$/

interface Checked {
  readonly deleteWhen: string
  readonly messageDelayLevel: string
  readonly namesrvAddr: string
  readonly storePathRootDir: string
  readonly storePathCommitLog: string
}

function checkBrokerConfig(settings: Checked) {
  const { deleteWhen, namesrvAddr, storePathRootDir: root, storePathCommitLog: log } = settings
  const faults: { readonly key: keyof Checked; readonly reason: string; readonly remedy: string }[] = []
  const wrong = nameServerAddresses({ namesrvAddr }).find((address) => !ADDRESS.test(address))
  if (wrong !== undefined) {
    faults.push({ key: 'namesrvAddr', reason: `'${wrong}' is not host:port`, remedy: 'part addresses with ;' })
  }
  if (deleteHoursOf(deleteWhen) === undefined) {
    const reason = `'${deleteWhen}' is no list of hours`
    faults.push({ key: 'deleteWhen', reason, remedy: 'name hours from 00 to 23, parted with ;' })
  }
  try {
    parseDelayLevels(settings.messageDelayLevel)
  } catch (error) {
    if (!(error instanceof MqError)) throw error
    faults.push({ key: 'messageDelayLevel', reason: error.message, remedy: `write e.g. ${DELAY_LEVELS_TEXT}` })
  }
  const logFolder = `${withoutSlash(root)}/commitlog`
  if (log !== '' && withoutSlash(log) !== logFolder) {
    const reason = `'${log}' is not the commitlog of storePathRootDir, where the log always is`
    faults.push({ key: 'storePathCommitLog', reason, remedy: `remove it, and choose ${logFolder} by storePathRootDir` })
  }
  return faults
}

function withoutSlash(path: string): string {
  return path.replace(/\/+$/, '')
}

/** The addresses in `namesrvAddr`. */
export function nameServerAddresses({ namesrvAddr }: Pick<BrokerSettings, 'namesrvAddr'>): string[] {
  return namesrvAddr
    .split(';')
    .map((address) => address.trim())
    .filter((address) => address !== '')
}
