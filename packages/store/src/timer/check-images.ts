// Reads the images of a stopped timer index as a start does, with the runs that they name, and changes nothing.
import { MqError } from '@rocketmq-ts/model'
import { FileError, type Files, readGenerations } from '@rocketmq-ts/runtime'
import { decodeTimerImage, TIMER_IMAGE_KIND, TIMER_IMAGE_VERSION } from './timer-image.ts'
import { imagePath, TIMER_FOLDER } from './timer-files.ts'
import { TimerIndex } from './timer-index.ts'

export interface TimerImageProblem {
  /** Below the root of the store. */
  readonly file: string
  readonly problem: string
}

/** Why a start could not use images in the store at `root`, whose log ends at `end`; empty where it can use all of them. */
export async function checkTimerImages(files: Files, root: string, end: number): Promise<TimerImageProblem[]> {
  if (!(await files.list(root)).some(({ name }) => name === TIMER_FOLDER)) return []
  const { valid, damaged } = await readGenerations(files, imagePath(root), {
    kind: TIMER_IMAGE_KIND,
    versionMax: TIMER_IMAGE_VERSION,
  })
  const problems = damaged.map(({ path, reason }) => ({ path, problem: reason }))
  for (const { path, coversTo, payload } of valid) {
    if (coversTo > end) problems.push({ path, problem: `covers the log up to ${coversTo}, which ends at ${end}` })
    const index = new TimerIndex({ files, folder: `${root}/${TIMER_FOLDER}` })
    try {
      await index.restore(decodeTimerImage(payload))
    } catch (error) {
      if (!(error instanceof MqError || error instanceof FileError)) throw error
      problems.push({ path, problem: error.message })
    } finally {
      await index.close()
    }
  }
  return problems.map(({ path, problem }) => ({ file: path.slice(root.length + 1), problem }))
}
