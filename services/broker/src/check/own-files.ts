// Checks the broker's own files of a stopped store: generations of the start cache, the mirrors written with them, images of
// the delayed messages, and the mark of a join. Mirrors have no checksum in Apache's form: theirs are in the start cache.
import { crc32, utf8Encode } from '@rocketmq-ts/bytes'
import { MqError } from '@rocketmq-ts/model'
import { FileError, readGenerations } from '@rocketmq-ts/runtime'
import { checkTimerImages, type OwnFilesContext } from '@rocketmq-ts/store'
import { createInflight } from '../inflight/inflight.ts'
import { JOIN_MARK, JOIN_MARK_TEXT } from '../joining/join-mark.ts'
import {
  decodeStartCache,
  START_CACHE_KIND,
  START_CACHE_VERSION,
  type StartCache,
  startCachePath,
} from '../start-cache.ts'

/** Largest mirror that is read. */
const MIRROR_BYTES_MAX = 256 * 1024 * 1024
const MIRRORS = [
  'topics.json',
  'subscriptionGroup.json',
  'consumerOffset.json',
  'consumerOrderInfo.json',
  'delayOffset.json',
] as const
/** Others inside `config` that are looked at, or that a stop without notice leaves. */
const KNOWN_NAMES =
  /^(?:broker-start\.(?:\d+|tmp)|(?:topics|subscriptionGroup|consumerOffset|consumerOrderInfo|delayOffset)\.json(?:\.tmp)?|timercheck(?:\.tmp)?)$/u

const REMEDIES = {
  'start-cache': 'remove it while the broker is stopped: the next start replays the journal instead',
  'timer-image': 'remove it while the broker is stopped: the next start reads the log instead',
  'settings-file': "the broker writes it again at its next stop; Apache's broker would start with what it says",
  'join-mark': 'the next start joins the cluster again; remove it if that is not wanted',
} as const

type Report = (kind: keyof typeof REMEDIES, file: string, problem: string) => void

/** See CheckOwner.checkFiles. */
export async function checkOwnFiles(context: OwnFilesContext): Promise<void> {
  const report: Report = (kind, file, problem) =>
    context.report({ kind, severity: 'warning', file, problem, remedy: REMEDIES[kind] })
  const caches = await checkStartCaches(context, report)
  const names = (await context.files.list(`${context.root}/config`)).map(({ name }) => name)
  for (const name of MIRRORS) {
    if (names.includes(name)) await checkMirror(context, name, caches, report)
    else if (context.cleanStop && caches.some(({ mirrors = {} }) => name in mirrors))
      report('settings-file', `config/${name}`, 'is missing')
  }
  for (const name of names) {
    if (!KNOWN_NAMES.test(name)) noteUnknown(context, name)
  }
  const { files, root, end } = context
  for (const { file, problem } of await checkTimerImages(files, root, end)) report('timer-image', file, problem)
  await checkJoinMark(context, report)
}

async function checkStartCaches(context: OwnFilesContext, report: Report): Promise<StartCache[]> {
  const { files, root, end } = context
  const { valid, damaged } = await readGenerations(files, startCachePath(root), {
    kind: START_CACHE_KIND,
    versionMax: START_CACHE_VERSION,
  })
  const named = (path: string): string => path.slice(root.length + 1)
  for (const { path, reason } of damaged) report('start-cache', named(path), reason)
  const caches: StartCache[] = []
  for (const { path, coversTo, payload } of valid) {
    if (coversTo > end) report('start-cache', named(path), `covers the log up to ${coversTo}, which ends at ${end}`)
    try {
      const cache = decodeStartCache(payload)
      createInflight({ maxAttempts: () => Infinity }).restoreSnapshot(cache.snapshot)
      caches.push(cache)
    } catch (error) {
      if (!(error instanceof MqError)) throw error
      report('start-cache', named(path), error.message)
    }
  }
  return caches
}

/** A mirror is that of one of the images: after a crash the older one, or already the newer. */
async function checkMirror(
  { files, root }: OwnFilesContext,
  name: string,
  caches: readonly StartCache[],
  report: Report,
): Promise<void> {
  const known = caches.flatMap(({ mirrors }) => mirrors?.[name] ?? [])
  if (known.length === 0) return
  try {
    const bytes = await files.readWhole(`${root}/config/${name}`, MIRROR_BYTES_MAX)
    if (bytes !== undefined && known.includes(crc32(bytes))) return
    report('settings-file', `config/${name}`, 'is not what this broker wrote: changed, or written by another broker')
  } catch (error) {
    if (!(error instanceof FileError)) throw error
    report('settings-file', `config/${name}`, error.message)
  }
}

function noteUnknown({ report }: OwnFilesContext, name: string): void {
  report({
    kind: 'unchecked',
    severity: 'note',
    file: `config/${name}`,
    problem: 'is not read by this broker, and not checked',
    remedy: "Apache's broker may read it",
  })
}

async function checkJoinMark({ files, root }: OwnFilesContext, report: Report): Promise<void> {
  const text = utf8Encode(JOIN_MARK_TEXT)
  const bytes = await files.readWhole(`${root}/${JOIN_MARK}`, 64 * 1024)
  if (bytes !== undefined && Buffer.compare(bytes, text) !== 0) {
    report('join-mark', JOIN_MARK, 'does not hold the text that the broker writes')
  }
}
