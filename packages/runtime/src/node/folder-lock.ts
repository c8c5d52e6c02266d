// A folder is held by a listening unix socket inside it: the kernel ends the listening with its process, however that
// dies, and whoever is refused can ask the holder for its name.
//
// Each contender publishes a socket under a name of its own (never used again), then looks at all others there:
//
//   refuses connections      →  its process is dead: remove the file
//   has a smaller name       →  withdraw, then ask it who holds the folder
//   has a larger name        →  wait until it withdrew, or says that it holds the folder
//
// Of two contenders the later one sees the earlier, and exactly one of a pair withdraws; so one of any number wins, and
// nobody ever removes the socket of a living process. A socket is published by a rename after it listens, since one that
// is bound but does not listen yet looks dead. It works between containers that share the folder and the kernel, not
// between machines.
import { createHash, randomBytes } from 'node:crypto'
import fs from 'node:fs'
import net from 'node:net'
import os from 'node:os'
import { join } from 'node:path'
import { FileError, type FolderLock } from '../files.ts'
import { errnoOf, fileError } from './file-errors.ts'

const PUBLISHED = '.lock.'
const UNPUBLISHED = '.lock-new.'
/** Bytes of a socket's path, without the closing zero, on every system we know. */
const SOCKET_PATH_BYTES_MAX = 103
/** A holder that does not say its name within this time still holds. */
const ANSWER_MS_MAX = 2000
/** UTF-16 units of a holder's text. */
const HOLDER_CHARS_MAX = 1024
/** How systems say that a file system has no sockets. */
const NO_SOCKETS: ReadonlySet<string> = new Set(['EOPNOTSUPP', 'ENOTSUP', 'ENOSYS', 'EINVAL'])
/** Rounds before the folder counts as locked by contenders that keep dying or withdrawing. */
const ROUNDS_MAX = 20

/** Where the sockets of a folder lie, and how to name them to the system within its bound. */
interface SocketFolder {
  readonly path: string
  addressOf(name: string): string
  close(): void
}

type Answer =
  | { readonly kind: 'dead' }
  | { readonly kind: 'withdrew' }
  | { readonly kind: 'holds'; readonly holder: string }

/** Our own socket. `decide` tells everybody who asked. */
interface Contender {
  readonly name: string
  hold(holder: string): void
  withdraw(): Promise<void>
}

function openSocketFolder(path: string): SocketFolder {
  const addressBytes = Buffer.byteLength(join(path, UNPUBLISHED)) + 32
  if (addressBytes <= SOCKET_PATH_BYTES_MAX) {
    return { path, addressOf: (name) => join(path, name), close() {} }
  }
  if (process.platform !== 'linux' || !fs.existsSync('/proc/self/fd')) return substituteFolder(path)
  const descriptor = fs.openSync(path, fs.constants.O_RDONLY)
  return {
    path,
    addressOf: (name) => `/proc/self/fd/${descriptor}/${name}`,
    close: () => fs.closeSync(descriptor),
  }
}

/** For file systems without sockets, and long paths on systems without /proc: guards this machine only. */
function substituteFolder(path: string): SocketFolder {
  const hash = createHash('sha256').update(fs.realpathSync(path)).digest('hex').slice(0, 16)
  const substitute = join(os.tmpdir(), `rmq-${hash}`)
  fs.mkdirSync(substitute, { recursive: true })
  return { path: substitute, addressOf: (name) => join(substitute, name), close() {} }
}

function listen(server: net.Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ path }, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

/** Publishes a socket; undefined when the holder swept it away meanwhile. */
async function contend(folder: SocketFolder): Promise<Contender | undefined> {
  const id = randomBytes(8).toString('hex')
  const asking = new Set<net.Socket>()
  let answer: string | undefined
  const server = net.createServer((socket) => {
    socket.on('error', () => socket.destroy())
    if (answer !== undefined) {
      socket.end(answer)
      return
    }
    asking.add(socket)
    socket.once('close', () => asking.delete(socket))
  })
  server.unref()
  await listen(server, folder.addressOf(UNPUBLISHED + id))
  const name = PUBLISHED + id
  try {
    fs.renameSync(join(folder.path, UNPUBLISHED + id), join(folder.path, name))
  } catch (error) {
    server.close()
    if (errnoOf(error) === 'ENOENT') return undefined
    throw error
  }
  return {
    name,
    hold(holder) {
      answer = holder
      for (const socket of asking) socket.end(answer)
    },
    withdraw() {
      try {
        removeSocket(folder, name)
      } catch {
        // A disk that takes no change any more. Without a listener it is dead, and whoever comes next removes it.
      }
      return new Promise((resolve) => {
        server.close(() => resolve())
        for (const socket of asking) socket.destroy()
      })
    },
  }
}

/** Connects to another contender, which calls `onAlive`, and waits for its decision. */
function ask(address: string, onAlive: () => void): Promise<Answer> {
  return new Promise((resolve) => {
    let text = ''
    let connected = false
    const socket = net.connect({ path: address })
    const timer = setTimeout(() => settle({ kind: 'holds', holder: 'a process that does not answer' }), ANSWER_MS_MAX)
    function settle(answer: Answer): void {
      clearTimeout(timer)
      socket.destroy()
      resolve(answer)
    }
    socket.setEncoding('utf8')
    socket.on('connect', () => {
      connected = true
      onAlive()
    })
    socket.on('data', (piece: string) => {
      text = (text + piece).slice(0, HOLDER_CHARS_MAX)
    })
    socket.on('error', (error) => {
      const errno = errnoOf(error)
      if (connected) return
      if (errno === 'ECONNREFUSED' || errno === 'ENOENT') settle({ kind: 'dead' })
      else settle({ kind: 'holds', holder: `a process that can not be asked (${errno})` })
    })
    socket.on('close', () => settle(text === '' ? { kind: 'withdrew' } : { kind: 'holds', holder: text }))
  })
}

function namesIn(folder: SocketFolder, prefix: string): string[] {
  const names = fs.readdirSync(folder.path).filter((name) => name.startsWith(prefix))
  return names.sort()
}

function removeSocket(folder: SocketFolder, name: string): void {
  fs.rmSync(join(folder.path, name), { force: true })
}

/** One round: wins, finds the holder, or ends without a decision. */
async function contendOnce(folder: SocketFolder, holder: string): Promise<Contender | Answer> {
  const contender = await contend(folder)
  if (contender === undefined) return { kind: 'withdrew' }
  let withdrawn: Promise<void> | undefined
  const withdraw = (): Promise<void> => (withdrawn ??= contender.withdraw())
  try {
    for (const other of namesIn(folder, PUBLISHED)) {
      if (other === contender.name) continue
      const answer = await ask(folder.addressOf(other), () => {
        if (other < contender.name) void withdraw()
      })
      if (answer.kind === 'dead') removeSocket(folder, other)
      if (answer.kind === 'holds') await withdraw()
      if (withdrawn !== undefined) {
        await withdrawn
        return answer
      }
    }
  } catch (error) {
    await withdraw()
    throw error
  }
  contender.hold(holder)
  return contender
}

/** Removes what contenders left that died before they published. */
async function sweep(folder: SocketFolder): Promise<void> {
  for (const name of namesIn(folder, UNPUBLISHED)) {
    const answer = await ask(folder.addressOf(name), () => {})
    if (answer.kind === 'dead') removeSocket(folder, name)
  }
}

async function lockIn(folder: SocketFolder, path: string, holder: string): Promise<FolderLock> {
  for (let round = 0; round < ROUNDS_MAX; round += 1) {
    const outcome = await contendOnce(folder, holder)
    if (!('kind' in outcome)) {
      await sweep(folder)
      let released: Promise<void> | undefined
      return { release: () => (released ??= outcome.withdraw().then(() => folder.close())) }
    }
    if (outcome.kind === 'holds') {
      throw new FileError('locked', path, `the folder is held by ${outcome.holder}; stop it or choose another folder`)
    }
  }
  throw new FileError('locked', path, `the folder is contended: no decision in ${ROUNDS_MAX} rounds, start again`)
}

/** See `Files.lockFolder`. Who is refused reads the process id too: names of brokers are the same on many laptops. */
export async function lockFolder(path: string, holder: string): Promise<FolderLock> {
  const text = `process ${process.pid}, ${holder}`.slice(0, HOLDER_CHARS_MAX)
  let folder: SocketFolder | undefined
  try {
    // Binding a socket in a folder that is missing fails with a misleading EACCES.
    fs.statSync(path)
    folder = openSocketFolder(path)
    return await lockIn(folder, path, text)
  } catch (error) {
    folder?.close()
    if (!NO_SOCKETS.has(errnoOf(error))) throw fileError(error, 'lock the folder', path)
  }
  try {
    return await lockIn(substituteFolder(path), path, text)
  } catch (error) {
    throw fileError(error, 'lock the folder', path)
  }
}
