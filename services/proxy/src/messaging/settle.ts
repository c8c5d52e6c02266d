// Acknowledging deliveries and changing when they come again. Clients present the first handle of a delivery; where
// the proxy renewed it, the live one is used. An expired handle is refused before a broker is asked, as Apache does.
import { formatReceiptHandle, MqError, parseReceiptHandle, type ReceiptHandle } from '@rocketmq-ts/model'
import type { Delivery, MessageReceiver } from '../upstream/upstream.ts'
import type { BrokerClocks } from './broker-clocks.ts'
import type { Held, Renewals } from './renewals.ts'

/** undefined: done. Otherwise why not; MqError 'handle-malformed' and 'handle-invalid' are the client's affair. */
export type SettleFailure = { readonly error: unknown } | undefined

export interface Settle {
  /** One result per handle, in order. */
  ack(group: string, topic: string, handleTexts: readonly string[]): Promise<SettleFailure[]>
  /** Moves the message to the dead-letter topic of the group. An expired handle is fine: consumers repeat this for ever. */
  deadLetter(group: string, topic: string, handleText: string, messageId: string): Promise<void>
  /** Text of the new handle. Rejects with MqError. */
  changeInvisible(group: string, topic: string, handleText: string, invisibleMs: number): Promise<string>
}

export interface SettleDeps {
  readonly receiver: MessageReceiver
  readonly renewals: Renewals
  readonly clocks: Pick<BrokerClocks, 'nowMs'>
}

/** A delivery on its way to be settled, and where its result goes. */
interface Settling {
  readonly index: number
  readonly delivery: Delivery
  readonly held: Held | undefined
}

function isHandleInvalid({ error }: NonNullable<SettleFailure>): boolean {
  return error instanceof MqError && error.code === 'handle-invalid'
}

export function createSettle({ receiver, renewals, clocks }: SettleDeps): Settle {
  /** A promise only where the handle is being renewed. Throws, or rejects with, the MqError of a handle that is none. */
  function begin(
    group: string,
    topic: string,
    handleText: string,
    index: number,
    expired: 'refused' | 'fine' = 'refused',
  ): Settling | Promise<Settling> {
    const held = renewals.find(group, topic, handleText)
    if (held !== undefined) return beginHeld(group, topic, held, index)
    const handle = parseReceiptHandle(handleText)
    if (expired === 'refused') refuseExpired(handle)
    return { index, delivery: { group, topic, handle }, held }
  }

  async function beginHeld(group: string, topic: string, held: Held, index: number): Promise<Settling> {
    return { index, delivery: { group, topic, handle: await renewals.beginSettle(held) }, held }
  }

  function refuseExpired(handle: ReceiptHandle): void {
    const expiredMs = clocks.nowMs(handle.brokerName) - (handle.popTimeMs + handle.invisibleMs)
    if (expiredMs <= 0) return
    throw new MqError(
      'handle-invalid',
      `receipt handle expired ${expiredMs} ms ago and the message comes again: acknowledge sooner or ask for a longer ` +
        'invisible time',
    )
  }

  function end({ held }: Settling, failure: SettleFailure): void {
    if (held === undefined) return
    if (failure === undefined || isHandleInvalid(failure)) renewals.settle(held)
    else renewals.resume(held)
  }

  /** One request for all of one broker. A handle that it refuses says nothing of the others: they go again, alone. */
  async function ackTogether(settlings: readonly Settling[], results: SettleFailure[]): Promise<void> {
    let failure: SettleFailure
    try {
      await receiver.ack(settlings.map((settling) => settling.delivery))
    } catch (error) {
      failure = { error }
    }
    if (settlings.length > 1 && failure !== undefined && isHandleInvalid(failure)) {
      await Promise.all(settlings.map((settling) => ackTogether([settling], results)))
      return
    }
    for (const settling of settlings) {
      results[settling.index] = failure
      end(settling, failure)
    }
  }

  return {
    async ack(group, topic, handleTexts) {
      const results: SettleFailure[] = Array.from({ length: handleTexts.length })
      const byBroker = new Map<string, Settling[]>()
      for (const [index, handleText] of handleTexts.entries()) {
        try {
          const begun = begin(group, topic, handleText, index)
          const settling = begun instanceof Promise ? await begun : begun
          const { brokerName } = settling.delivery.handle
          const siblings = byBroker.get(brokerName)
          if (siblings === undefined) byBroker.set(brokerName, [settling])
          else siblings.push(settling)
        } catch (error) {
          results[index] = { error }
        }
      }
      if (byBroker.size === 1) for (const settlings of byBroker.values()) await ackTogether(settlings, results)
      else await Promise.all(Array.from(byBroker.values(), (settlings) => ackTogether(settlings, results)))
      return results
    },

    async deadLetter(group, topic, handleText, messageId) {
      const settling = await begin(group, topic, handleText, 0, 'fine')
      try {
        await receiver.deadLetter(settling.delivery, messageId)
        end(settling, undefined)
      } catch (error) {
        end(settling, { error })
        throw error
      }
    },

    async changeInvisible(group, topic, handleText, invisibleMs) {
      const settling = await begin(group, topic, handleText, 0)
      try {
        const handle = await receiver.changeInvisible(settling.delivery, invisibleMs)
        end(settling, undefined)
        return formatReceiptHandle(handle)
      } catch (error) {
        end(settling, { error })
        throw error
      }
    },
  }
}
