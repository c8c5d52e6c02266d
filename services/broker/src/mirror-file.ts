// A file in Apache's form that is written whole: under another name first, so that a crash leaves the one before or this one.
import type { Files } from '@rocketmq-ts/runtime'

/** Writes `folder`/`name`; resolves when it is synced. Rejects with FileError. */
export async function writeMirror(files: Files, folder: string, name: string, bytes: Uint8Array): Promise<void> {
  const path = `${folder}/${name}`
  const file = await files.open(`${path}.tmp`, 'create')
  try {
    await file.truncate(bytes.length)
    file.writeSync(0, [bytes])
    await file.sync()
  } finally {
    await file.close()
  }
  await files.rename(`${path}.tmp`, path)
  await files.syncFolder(folder)
}
