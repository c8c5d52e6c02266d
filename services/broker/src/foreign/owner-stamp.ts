// A short text for the settings and offsets beside the log. Our mirrors change only while we run: when they differ from
// what a clean stop left, another broker has had the folder.
import { createHash } from 'node:crypto'
import { FileError, type Files } from '@rocketmq-ts/runtime'
import { SETTINGS_FILE_BYTES_MAX } from '../limits.ts'

const NAMES = ['topics.json', 'subscriptionGroup.json', 'consumerOffset.json']

/** The stamp of the files below `root`; undefined while one of them can not be read. */
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
