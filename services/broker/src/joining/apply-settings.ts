// Adds settings of peers that are not here yet, in one Turn. What is here stays as it is.
import { MqError } from '@rocketmq-ts/model'
import type { Turns } from '@rocketmq-ts/runtime'
import type { GroupTable } from '../groups/group-table.ts'
import type { SettingsWriter } from '../settings-writer.ts'
import type { TopicTable } from '../topics/topic-table.ts'
import { type Applied, nameOf, type Setting } from './join-cluster.ts'

export interface ApplySettingsDeps {
  readonly topics: Pick<TopicTable, 'get'>
  readonly groups: Pick<GroupTable, 'get'>
  readonly writer: Pick<SettingsWriter, 'putTopic' | 'putGroup'>
  readonly turns: Pick<Turns, 'enter' | 'release'>
  /** Called in the Turn: something has changed. */
  readonly onChange: () => void
}

/** See `JoinClusterDeps.apply`. */
export function createApplySettings(deps: ApplySettingsDeps): (settings: readonly Setting[]) => Promise<Applied> {
  const { topics, groups, writer, turns } = deps

  /** False for what is here already. */
  function add(setting: Setting): boolean {
    if (setting.kind === 'topic') {
      if (topics.get(setting.config.topicName) !== undefined) return false
      writer.putTopic(setting.config)
    } else {
      if (groups.get(setting.config.groupName) !== undefined) return false
      writer.putGroup(setting.config)
    }
    return true
  }

  /** All of them, up to the first that the log does not take. */
  function addAll(settings: readonly Setting[]): Applied | MqError {
    const refused: string[] = []
    let added = 0
    for (const setting of settings) {
      try {
        if (add(setting)) added += 1
      } catch (error) {
        if (!(error instanceof MqError)) throw error
        if (error.code === 'store-refused' || error.code === 'disk-full') return error
        refused.push(`${nameOf(setting)}: ${error.message}`)
      }
    }
    return { added, refused }
  }

  return (settings) =>
    new Promise((resolve, reject) => {
      const entered = turns.enter(() => {
        const applied = addAll(settings)
        deps.onChange()
        turns.release('flushed', (failure) => {
          if (failure !== undefined) reject(failure)
          else if (applied instanceof MqError) reject(applied)
          else resolve(applied)
        })
      })
      if (!entered) reject(new MqError('busy', 'the broker takes no more work now; settings of peers wait'))
    })
}
