// What clients did and saw, as facts with the times of the world (milliseconds). The checker judges from this alone.

/** A message that a producer made. */
export interface SentMessage {
  /** Unique in the run; part of the body. */
  readonly seq: number
  readonly messageId: string
  readonly topic: string
  readonly tag: string
  readonly bodyHash: string
  /** No consumer ever acknowledges it. */
  readonly poison: boolean
}

/** One attempt to send a message. 'unknown' is everything but a plain OK: it may be stored or not. */
export interface SendAttempt {
  readonly seq: number
  readonly startMs: number
  readonly endMs: number
  readonly outcome: 'ok' | 'unknown'
  /** With 'ok'. */
  readonly queueOffset: number | undefined
}

/** One receive call. What a failed one popped on the way is hidden from the client. */
export interface ReceiveCall {
  readonly group: string
  readonly brokerName: string
  readonly startMs: number
  readonly endMs: number
  readonly outcome: 'messages' | 'none' | 'failed'
}

/** A message as a client got it. */
export interface Delivery {
  /** Index in the history. */
  readonly id: number
  readonly group: string
  readonly topic: string
  readonly brokerName: string
  readonly queueId: number
  readonly queueOffset: number
  readonly attempt: number
  /** From the handle, by the broker's clock. */
  readonly popTimeMs: number
  /** What the client asked for, or what the proxy asks for by itself. */
  readonly invisibleMs: number
  /** The proxy keeps it invisible while the client lives. */
  readonly autoRenew: boolean
  readonly messageId: string
  readonly tag: string
  readonly bodyHash: string
  /** Undefined where the body is none of ours. */
  readonly seq: number | undefined
  /** Of the receive call. */
  readonly startMs: number
  readonly endMs: number
}

/** An acknowledgement, or a change of the invisible time, of one delivery. */
export interface Settlement {
  readonly deliveryId: number
  readonly kind: 'ack' | 'change'
  readonly startMs: number
  readonly endMs: number
  /** 'refused': the handle was called invalid. 'unknown': it may have been done or not. */
  readonly outcome: 'ok' | 'refused' | 'unknown'
  /** Of a change: what was asked, and the pop time of the new handle where there is one. */
  readonly invisibleMs: number
  readonly newPopTimeMs: number | undefined
}

export class History {
  readonly messages: SentMessage[] = []
  readonly sends: SendAttempt[] = []
  readonly receives: ReceiveCall[] = []
  readonly deliveries: Delivery[] = []
  readonly settlements: Settlement[] = []
}
