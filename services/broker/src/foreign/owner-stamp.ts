// A short text that changes when Apache's broker writes settings or offsets: each time it puts what a file held before into
// a `.bak` beside it, which we never touch. The files themselves say less: damage on the disk changes them, too.
import { createHash } from 'node:crypto'
import { FileError, type Files } from '@rocketmq-ts/runtime'
import { SETTINGS_FILE_BYTES_MAX } from '../limits.ts'

const NAMES = ['topics.json.bak', 'subscriptionGroup.json.bak', 'consumerOffset.json.bak']

/** The stamp of the files below `root`; undefined while one of them can not be read. Java: ConfigManager.persist. */
export async function ownerStamp(files: Pick<Files, 'readWhole'>, root: string): Promise<string | undefined> {
  const hash = createHash('sha256')
  try {
    for (const name of NAMES) {
      const bytes = await files.readWhole(`${root}/config/${name}`, SETTINGS_FILE_BYTES_MAX)
      hash.update(`${name} ${bytes?.length ?? 'missing'}\n`)
      if (bytes !== undefined) hash.update(bytes)
    }
  } catch (error) {
    if (!(error instanceof FileError)) throw error
    return undefined
  }
  return hash.digest('hex')
}
