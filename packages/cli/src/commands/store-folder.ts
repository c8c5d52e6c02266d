// The folder of a broker that is stopped, held while a command reads it, so that no broker starts meanwhile.
import { FileError, type FolderLock } from '@rocketmq-ts/runtime'
import type { CliEffects } from '../host.ts'
import type { Context } from '../context.ts'
import { CliFailure } from '../failures.ts'

/** An open folder: everything a command on it needs. */
export interface StoreFolder extends Pick<CliEffects, 'clock' | 'files' | 'scheduler'> {
  readonly path: string
}

/** Runs `work` on a folder. A broker that has it is named and ends the command, and so does a folder without a store. */
export async function withStoreFolder<Result>(
  context: Context,
  folder: string,
  work: (store: StoreFolder) => Promise<Result>,
): Promise<Result> {
  const effects = await context.host.effects()
  const path = context.host.absolutePath(folder)
  try {
    return await withLock(context, effects, path, work)
  } catch (error) {
    if (!(error instanceof FileError)) throw error
    throw new CliFailure('not-checked', error.message, 'Look at the path, the disk and its permissions.', error)
  }
}

async function withLock<Result>(
  context: Context,
  effects: CliEffects,
  path: string,
  work: (store: StoreFolder) => Promise<Result>,
): Promise<Result> {
  const names = (await effects.files.list(path)).map(({ name }) => name)
  if (!names.includes('commitlog')) {
    throw new CliFailure(
      'not-checked',
      `${path} holds no store`,
      'Name the data folder of a broker: it has a folder commitlog.',
    )
  }
  const lock = await takeLock(context, effects, path)
  try {
    return await work({ ...effects, path })
  } finally {
    await lock?.release()
  }
}

/** The lock needs a socket in the folder: a disk that takes no writes has none, and no broker that runs on it either. */
async function takeLock({ printer }: Context, { files }: CliEffects, path: string): Promise<FolderLock | undefined> {
  try {
    return await files.lockFolder(path, 'rmq store')
  } catch (error) {
    if (!(error instanceof FileError)) throw error
    if (error.code === 'locked') {
      throw new CliFailure(
        'not-checked',
        error.message,
        'Stop the broker first, or copy the folder of a snapshot.',
        error,
      )
    }
    printer.remark(`The folder can not be locked (${error.message}): see to it that no broker starts meanwhile.`)
    return undefined
  }
}
