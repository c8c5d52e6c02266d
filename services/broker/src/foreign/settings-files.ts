// Topics and groups as Apache's broker leaves them in `config`: the file, else the one before it (`.bak`), which alone is a
// normal state after a crash. What can not be read is told, never guessed. Java: ConfigManager.load.
import {
  isJavaJsonObject,
  type JavaJson,
  MqError,
  type SubscriptionGroupConfig,
  type TopicConfig,
  decodeSubscriptionGroupConfig,
  decodeTopicConfig,
  parseJavaJson,
} from '@rocketmq-ts/model'
import { FileError, type Files } from '@rocketmq-ts/runtime'
import { SETTINGS_FILE_BYTES_MAX } from '../limits.ts'

export interface SettingsFiles {
  /** Undefined without a file that can be read. */
  readonly topics: readonly TopicConfig[] | undefined
  readonly groups: readonly SubscriptionGroupConfig[] | undefined
  /** Everything that the two files hold, where they hold their table. */
  readonly whole: { readonly topics: JavaJson | undefined; readonly groups: JavaJson | undefined }
  /** Files and entries that could not be read, and why. */
  readonly rejected: readonly string[]
}

/** Reads `topics.json` and `subscriptionGroup.json` below `root`. */
export async function readSettingsFiles(files: Pick<Files, 'readWhole'>, root: string): Promise<SettingsFiles> {
  const rejected: string[] = []

  function read<Config>(
    json: JavaJson | undefined,
    name: string,
    table: string,
    decode: (json: JavaJson, path: string) => Config,
  ): Config[] | undefined {
    const members = tableOf(json, name, table, rejected)
    if (members === undefined) return undefined
    const configs: Config[] = []
    for (const [key, value] of members) {
      attempt(rejected, name, () => void configs.push(decode(value, `${table}.${key}`)))
    }
    return configs
  }

  const topics = await readEither(files, `${root}/config/topics.json`, rejected)
  const groups = await readEither(files, `${root}/config/subscriptionGroup.json`, rejected)
  const topicConfigs = read(topics, 'topics.json', 'topicConfigTable', decodeTopicConfig)
  const table = 'subscriptionGroupTable'
  const groupConfigs = read(groups, 'subscriptionGroup.json', table, decodeSubscriptionGroupConfig)
  return {
    topics: topicConfigs,
    groups: groupConfigs,
    whole: { topics: topicConfigs && topics, groups: groupConfigs && groups },
    rejected,
  }
}

/** The newest of both that is a JSON object. An empty file is what a crash between creation and write leaves. */
export async function readEither(
  files: Pick<Files, 'readWhole'>,
  path: string,
  rejected: string[],
): Promise<JavaJson | undefined> {
  for (const candidate of [path, `${path}.bak`]) {
    let json: JavaJson | undefined
    try {
      const bytes = await files.readWhole(candidate, SETTINGS_FILE_BYTES_MAX)
      if (bytes === undefined || bytes.length === 0) continue
      attempt(rejected, candidate, () => {
        const parsed = parseJavaJson(bytes, { bytesMax: SETTINGS_FILE_BYTES_MAX })
        if (!isJavaJsonObject(parsed)) throw new MqError('parameter-invalid', 'it is not a JSON object')
        json = parsed
      })
    } catch (error) {
      if (!(error instanceof FileError)) throw error
      rejected.push(error.message)
    }
    if (json !== undefined) return json
  }
  return undefined
}

/** Members of the table with this name; none where it is missing. */
export function membersOf(json: JavaJson, name: string): readonly (readonly [string, JavaJson])[] {
  const table = isJavaJsonObject(json) && !(json instanceof Map) ? json[name] : undefined
  return isJavaJsonObject(table) && !(table instanceof Map) ? Object.entries(table) : []
}

/** The same of a table that the file must have: without it the file says nothing, not that there is nothing. */
export function tableOf(
  json: JavaJson | undefined,
  name: string,
  table: string,
  rejected: string[],
): readonly (readonly [string, JavaJson])[] | undefined {
  if (json === undefined) return undefined
  if (isJavaJsonObject(json) && !(json instanceof Map) && isJavaJsonObject(json[table])) return membersOf(json, table)
  rejected.push(`${name}: it has no ${table}`)
  return undefined
}

/** Does the work; what is wrong with the file is told, with its place. */
export function attempt(rejected: string[], where: string, work: () => void): void {
  try {
    work()
  } catch (error) {
    if (!(error instanceof MqError)) throw error
    rejected.push(`${where}: ${error.message}`)
  }
}
