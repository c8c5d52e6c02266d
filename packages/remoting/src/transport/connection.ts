// A socket as a peer. What one readable event brings is handled in one go, and the answers given meanwhile leave as
// one write. The accepting side stops reading while its answers are not taken; the connecting side never does, so the
// two can not wait for each other.
import { MqError } from '@rocketmq-ts/model'
import { type Clock, type Deadlines, Expiring } from '@rocketmq-ts/runtime'
import type { Logger, Scheduler, Socket, SocketAddress } from '@rocketmq-ts/runtime'
import { REMOTING_VERSION, ResponseCode } from '../codec/codes.ts'
import type { Answer, RequestDeclaration } from '../codec/define-request.ts'
import { createFrameDecoder, type Frame, type FrameDecoder } from '../codec/frame-decoder.ts'
import {
  CommandFlag,
  decodeCommand,
  encodeCommand,
  isResponse,
  OUR_LANGUAGE,
  type OutgoingCommand,
  type Serialization,
} from '../codec/remoting-command.ts'
import type { RemotingEvent } from '../events.ts'
import type { ConnectionObserver } from '../observer.ts'
import { ANONYMOUS, type Liveness, type RequestHandler, type RequestOptions } from '../peer.ts'
import { type AnsweringPeer, CommandAnswer, CommandArrival } from './command-arrival.ts'
import type { RemotingLimits } from './limits.ts'
import type { BoundConnection, ListenerBounds, ListenerShare } from './listener-bounds.ts'
import { PendingRequests } from './pending-requests.ts'
import { Stranger, strangerReason } from './stranger.ts'

type AnyDeclaration = RequestDeclaration<object, object>
const NO_BODY: Uint8Array = new Uint8Array(0)
/** Chunks of one write are joined up to this size; longer writes go out as they are. */
const JOINED_BYTES_MAX = 64 * 1024
/** Clients above this version understand GO_AWAY. Java: NettyRemotingServer. */
const GO_AWAY_VERSION_MIN = 475

export interface ConnectionOptions {
  readonly socket: Socket
  /** Name of the listener that accepted, '' on the connecting side. */
  readonly listener: string
  /** How our own requests are written; answers follow the request. */
  readonly serialization: Serialization
  readonly handler: RequestHandler
  readonly clock: Clock
  readonly scheduler: Scheduler
  readonly deadlines: Deadlines
  readonly limits: RemotingLimits
  readonly logger: Logger<RemotingEvent>
  readonly observer?: ConnectionObserver | undefined
  /** What the connections of its listener hold together; the connecting side has none. */
  readonly bounds?: ListenerBounds
}

/** 'host:port', an IPv6 host in brackets. */
export function formatAddress({ host, port }: SocketAddress): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

class IdleWatch extends Expiring {
  readonly #connection: Connection
  constructor(connection: Connection) {
    super()
    this.#connection = connection
  }
  override expire(): void {
    this.#connection.checkIdle()
  }
}

/** Why a connection is not read: both may hold at a time. */
type Pause = 'answers' | 'input'

export class Connection implements AnsweringPeer, BoundConnection {
  readonly remoteAddress: string
  readonly localAddress: string
  readonly listener: string
  readonly principal = ANONYMOUS
  readonly #options: ConnectionOptions
  readonly #decoder: FrameDecoder
  readonly #pending: PendingRequests
  readonly #idleWatch = new IdleWatch(this)
  readonly #onFrame = (frame: Frame): void => this.#take(frame)
  readonly #closeCallbacks: (() => void)[] = []
  readonly #share: ListenerShare | undefined
  readonly #pauses = new Set<Pause>()
  #activeAtMs: number
  #outgoing: Uint8Array[] = []
  #outgoingBytes = 0
  #inEvent = false
  /** A frame became whole with this read. */
  #tookFrame = false
  #flushScheduled = false
  #inFlight = 0
  #inFlightBytes = 0
  #state: 'open' | 'draining' | 'closing' | 'closed' = 'open'
  #closeReason = 'closed by the other side'
  #drained: (() => void) | undefined
  #isNew = true
  /** A client of another protocol; undefined with one of ours. */
  #stranger: Stranger | undefined

  constructor(options: ConnectionOptions) {
    const { socket, clock, limits } = options
    this.#options = options
    this.remoteAddress = formatAddress(socket.remoteAddress)
    this.localAddress = formatAddress(socket.localAddress)
    this.listener = options.listener
    this.#decoder = createFrameDecoder(limits)
    this.#pending = new PendingRequests(options, limits.requestsPendingMax, this.remoteAddress)
    this.#activeAtMs = clock.monotonicMs()
    this.#share = options.bounds?.join(this)
  }

  /** Starts reading; called once. */
  start(): void {
    this.#options.deadlines.add(this.#idleWatch, this.#options.limits.idleMs)
    this.#options.socket.start({
      data: (chunk) => this.#read(chunk),
      drain: () => {
        this.#share?.isSlow(false)
        this.#resume('answers')
      },
      close: (error) => this.#gone(error),
    })
  }

  async request<H extends object, A extends object>(
    declaration: RequestDeclaration<H, A>,
    header: H,
    options: RequestOptions,
  ): Promise<Answer<A>> {
    this.#checkWritable(declaration.name)
    const extFields = declaration.header.encode(header)
    const opaque = this.#pending.nextOpaque()
    this.#send({ ...this.#requestCommand(declaration, opaque, options.body), flag: 0, extFields })
    return (await this.#pending.wait(opaque, declaration, options.timeoutMs)) as Answer<A>
  }

  oneway<H extends object>(declaration: RequestDeclaration<H, object>, header: H, body?: Uint8Array): boolean {
    if (this.#closing || this.#writeBufferFull) return false
    const extFields = declaration.header.encode(header)
    this.#send({ ...this.#requestCommand(declaration, 0, body), flag: CommandFlag.ONEWAY, extFields })
    return true
  }

  get liveness(): Liveness {
    return this.#pending.liveness
  }

  onClose(callback: () => void): void {
    if (this.#state === 'closed') callback()
    else this.#closeCallbacks.push(callback)
  }

  close(): void {
    if (this.#closing) return
    this.#closeReason = 'closed by us'
    this.#state = 'closing'
    this.#flush()
    this.#pending.close()
    this.#options.socket.end()
    this.#drained?.()
  }

  /** Refuses new requests and resolves when all earlier ones are answered, or the connection is gone. */
  drain(): Promise<void> {
    if (this.#state === 'open') this.#state = 'draining'
    if (this.#closing || this.#inFlight === 0) return Promise.resolve()
    return new Promise((resolve) => {
      this.#drained = resolve
    })
  }

  /** Closes at once; what is not sent yet is lost. */
  abort(reason: string): void {
    this.#destroy(reason)
  }

  /** Internal: for the bounds of the listener. */
  get unsentBytes(): number {
    return this.#bufferedBytes
  }
  pause(): void {
    this.#pause('input')
  }
  resume(): void {
    this.#resume('input')
  }
  drop(reason: string): void {
    const { listener, remoteAddress } = this
    this.#options.observer?.refused('unfinished-requests')
    this.#options.logger.warn({ event: 'request.given-up', listener, remoteAddress, reason })
    this.#destroy(reason)
  }
  tooSlow(): void {
    const { listener, remoteAddress, unsentBytes: bufferedBytes } = this
    this.#options.observer?.refused('unread-answers')
    this.#options.logger.warn({ event: 'peer.too-slow', listener, remoteAddress, bufferedBytes })
    this.#destroy(`${bufferedBytes} bytes wait to be sent`)
  }

  /** Internal: answers a request that arrived here. */
  answer({ command, bytes }: CommandArrival, answer: Answer<object>, extFields: OutgoingCommand['extFields']): void {
    this.#send({
      code: answer.code,
      language: OUR_LANGUAGE,
      version: REMOTING_VERSION,
      opaque: command.opaque,
      flag: CommandFlag.RESPONSE,
      remark: answer.remark,
      extFields,
      serialization: command.serialization,
      body: answer.body ?? NO_BODY,
    })
    this.#inFlight -= 1
    this.#inFlightBytes -= bytes
    this.#share?.ended(bytes)
    if (this.#inFlight === 0) this.#drained?.()
  }

  /** Internal: reports a handler's fault. */
  answerInvalid(requestCode: number, reason: string): void {
    this.#options.logger.error({ event: 'answer.invalid', requestCode, reason })
  }

  /** Internal: closes when nothing moved for too long. */
  checkIdle(): void {
    const { clock, deadlines, limits } = this.#options
    if (this.#state === 'closed') return
    const remainingMs = this.#activeAtMs + limits.idleMs - clock.monotonicMs()
    if (remainingMs > 0) deadlines.add(this.#idleWatch, remainingMs)
    else this.#destroy(`idle for ${limits.idleMs} ms`)
  }

  get #closing(): boolean {
    return this.#state === 'closing' || this.#state === 'closed'
  }

  get #bufferedBytes(): number {
    return this.#options.socket.bufferedBytes + this.#outgoingBytes
  }

  get #writeBufferFull(): boolean {
    return this.#bufferedBytes > this.#options.limits.writeBufferBytesMax / 2
  }

  #checkWritable(name: string): void {
    if (this.#closing) throw new MqError('closed', `${name} to ${this.remoteAddress}: connection is closed`)
    if (!this.#writeBufferFull) return
    const reason = `${this.#bufferedBytes} bytes wait to be sent; the other side reads too slowly`
    throw new MqError('busy', `${name} to ${this.remoteAddress}: ${reason}`)
  }

  #requestCommand(declaration: AnyDeclaration, opaque: number, body = NO_BODY): Omit<OutgoingCommand, 'flag'> {
    return {
      code: declaration.code,
      language: OUR_LANGUAGE,
      version: REMOTING_VERSION,
      opaque,
      remark: undefined,
      extFields: [],
      serialization: this.#options.serialization,
      body,
    }
  }

  #read(chunk: Uint8Array): void {
    const isFirst = this.#isNew
    this.#isNew = false
    if (this.#stranger !== undefined) {
      this.#stranger.take(chunk)
      return
    }
    this.#activeAtMs = this.#options.clock.monotonicMs()
    this.#pending.hear(this.#activeAtMs)
    this.#options.observer?.received(chunk.length)
    this.#inEvent = true
    try {
      this.#decoder.push(chunk, this.#onFrame)
    } catch (error) {
      if (!(error instanceof MqError)) throw error
      this.#refuse(error.message, isFirst ? chunk : NO_BODY)
    } finally {
      this.#inEvent = false
    }
    this.#share?.unfinished(this.#closing ? 0 : this.#decoder.bufferBytes, this.#tookFrame)
    this.#tookFrame = false
    this.#flush()
  }

  #pause(why: Pause): void {
    this.#pauses.add(why)
    this.#options.socket.pause()
  }

  #resume(why: Pause): void {
    if (this.#pauses.delete(why) && this.#pauses.size === 0) this.#options.socket.resume()
  }

  /** The stream is none of ours. Who has the wrong port is told so. */
  #refuse(fault: string, first: Uint8Array): void {
    const { listener, remoteAddress } = this
    const { logger, socket, deadlines, observer } = this.#options
    const reason = (listener === '' ? undefined : strangerReason(listener, first)) ?? fault
    observer?.refused('frames')
    logger.warn({ event: 'stream.refused', listener, remoteAddress, reason })
    this.#stranger = reason === fault ? undefined : Stranger.greet(socket, first, reason, deadlines)
    if (this.#stranger === undefined) this.#destroy(reason)
    else {
      this.#closeReason = reason
      this.#state = 'closing'
    }
  }

  #take(frame: Frame): void {
    this.#tookFrame = true
    if (this.#closing) return
    const command = decodeCommand(frame)
    if (isResponse(command)) this.#pending.settle(command.opaque, new CommandAnswer(command))
    else this.#takeRequest(new CommandArrival(this, command, frame.header.length + frame.body.length))
  }

  #takeRequest(request: CommandArrival): void {
    const { bytes } = request
    const { requestsInFlightMax, requestBytesInFlightMax } = this.#options.limits
    const isFull = this.#inFlight >= requestsInFlightMax || this.#inFlightBytes + bytes > requestBytesInFlightMax
    const hasRoom = this.#share?.hasRoomFor(bytes) ?? true
    if (!request.oneway) {
      this.#inFlight += 1
      this.#inFlightBytes += bytes
      this.#share?.began(bytes)
    }
    if (this.#state === 'draining') {
      const code = request.version > GO_AWAY_VERSION_MIN ? ResponseCode.GO_AWAY : ResponseCode.SERVICE_NOT_AVAILABLE
      request.respond({ code, remark: 'this server is stopping; connect again' })
    } else if (isFull || !hasRoom) {
      this.#options.observer?.refused('requests-in-flight')
      const whose = hasRoom ? `${this.#inFlight} requests of this connection` : 'too large requests of all connections'
      const remark = `[OVERLOAD] ${whose} wait for an answer; try again later`
      request.respond({ code: ResponseCode.SYSTEM_BUSY, remark })
    } else {
      this.#options.handler(request)
    }
  }

  #send(command: OutgoingCommand): void {
    const chunks = encodeCommand(command)
    if (this.#closing) return
    for (const chunk of chunks) {
      this.#outgoing.push(chunk)
      this.#outgoingBytes += chunk.length
    }
    if (this.#bufferedBytes > this.#options.limits.writeBufferBytesMax) this.tooSlow()
    else if (!this.#inEvent && !this.#flushScheduled) {
      this.#flushScheduled = true
      this.#options.scheduler.soon(() => {
        this.#flushScheduled = false
        this.#flush()
      })
    }
  }

  #flush(): void {
    const chunks = this.#outgoing
    if (chunks.length === 0 || this.#state === 'closed') return
    const joined = chunks.length > 1 && this.#outgoingBytes <= JOINED_BYTES_MAX
    const bytes = this.#outgoingBytes
    this.#outgoing = []
    this.#outgoingBytes = 0
    this.#activeAtMs = this.#options.clock.monotonicMs()
    this.#options.observer?.sent(bytes)
    const taken = this.#options.socket.write(joined ? [Buffer.concat(chunks, bytes)] : chunks)
    if (taken || this.listener === '') return
    this.#pause('answers')
    this.#share?.isSlow(true)
  }

  #destroy(reason: string): void {
    if (this.#state === 'closed') return
    this.#closeReason = reason
    this.#state = 'closing'
    this.#outgoing = []
    this.#outgoingBytes = 0
    this.#options.socket.destroy()
  }

  #gone(error: Error | undefined): void {
    if (this.#state === 'closed') return
    this.#state = 'closed'
    this.#options.deadlines.remove(this.#idleWatch)
    this.#share?.leave()
    if (this.#stranger !== undefined) this.#options.deadlines.remove(this.#stranger)
    const { listener, remoteAddress } = this
    const reason = error === undefined ? this.#closeReason : error.message
    this.#options.logger.debug({ event: 'connection.closed', listener, remoteAddress, reason })
    this.#pending.close()
    this.#drained?.()
    for (const callback of this.#closeCallbacks.splice(0)) callback()
  }
}
