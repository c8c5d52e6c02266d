// Rules about messages as such: what was sent, stored and delivered is the same, in one place, for ever.
import { hashOf, seqOf } from '../bodies.ts'
import type { SentMessage } from '../history.ts'
import type { CheckInput, Verdict } from './check-input.ts'
import { placeOf, type Places } from './places.ts'

/** A proxy turns to another broker when the first one can not take the message, or does not know whether it did. */
const COPIES_PER_SEND_MAX = 2

/** A send that was answered OK is stored where the answer said. */
export function checkAcknowledged(places: Places, verdict: Verdict): void {
  const { input, stored } = places
  const offsets = new Map<number, Set<number>>()
  for (const { body, queueOffset } of stored.values()) {
    const seq = seqOf(body) ?? -1
    const known = offsets.get(seq)
    if (known === undefined) offsets.set(seq, new Set([queueOffset]))
    else known.add(queueOffset)
  }
  for (const send of input.history.sends) {
    const { seq, outcome, queueOffset, endMs } = send
    if (outcome !== 'ok' || offsets.get(seq)?.has(queueOffset ?? -1) === true) continue
    if (input.isAsync && input.brokers.some(({ name }) => places.times(name).isVolatile(send))) continue
    verdict.add(
      'acknowledged',
      `message ${seq} was acknowledged at ${endMs} for offset ${queueOffset}: not stored there`,
    )
  }
}

/** Everything stored or delivered is a message that was sent, whole. */
export function checkSent({ input, stored }: Places, verdict: Verdict): void {
  const sent = new Map(input.history.messages.map((message) => [message.seq, message]))
  const attempts = new Map<number, number>()
  for (const { seq } of input.history.sends) attempts.set(seq, (attempts.get(seq) ?? 0) + 1)
  const copies = new Map<number, number>()
  for (const [place, { body, messageId, topic }] of stored) {
    const seq = seqOf(body) ?? -1
    copies.set(seq, (copies.get(seq) ?? 0) + 1)
    const fault = faultOf(sent.get(seq), { bodyHash: hashOf(body), messageId, topic })
    if (fault !== undefined) verdict.add('never-sent', `stored at ${place}: ${fault}`)
  }
  for (const [seq, count] of copies) {
    const max = (attempts.get(seq) ?? 0) * COPIES_PER_SEND_MAX
    if (count > max) verdict.add('never-sent', `message ${seq} is stored ${count} times, at most ${max} are explained`)
  }
  for (const delivery of input.history.deliveries) {
    const fault = faultOf(sent.get(delivery.seq ?? -1), delivery)
    if (fault !== undefined)
      verdict.add('never-sent', `delivered to ${delivery.group} at ${placeOf(delivery)}: ${fault}`)
  }
}

function faultOf(
  sent: SentMessage | undefined,
  seen: { readonly bodyHash: string; readonly messageId: string; readonly topic: string },
): string | undefined {
  if (sent === undefined) return 'nobody sent it'
  if (sent.bodyHash !== seen.bodyHash) return `message ${sent.seq}: its body has changed`
  if (sent.messageId !== seen.messageId) return `message ${sent.seq}: its id is ${seen.messageId}`
  return sent.topic === seen.topic ? undefined : `message ${sent.seq}: its topic is ${seen.topic}`
}

/** One offset is one message, without gaps. */
export function checkOffsets(places: Places, verdict: Verdict): void {
  const { input, stored } = places
  for (const delivery of input.history.deliveries) {
    if (input.isAsync && places.isVolatile(delivery)) continue
    const place = placeOf(delivery)
    const record = stored.get(place)
    if (record === undefined)
      verdict.add('offsets', `${place} was delivered to ${delivery.group}: nothing is stored there`)
    else if (hashOf(record.body) !== delivery.bodyHash) {
      verdict.add('offsets', `${place}: delivered as message ${delivery.seq}, stored is ${seqOf(record.body)}`)
    }
  }
  for (const { records } of input.audits) {
    let expected = 0
    let queue = ''
    for (const { brokerName, topic, queueId, queueOffset } of records) {
      const name = `${brokerName} ${topic} ${queueId}`
      if (name !== queue) expected = 0
      queue = name
      if (queueOffset !== expected)
        verdict.add('offsets', `${name}: offset ${queueOffset} comes where ${expected} should`)
      expected = queueOffset + 1
    }
  }
}

/** The run as such, and what services and folders say of themselves. */
export function checkRun({ broken, defects, audits }: CheckInput, verdict: Verdict): void {
  if (broken !== undefined) verdict.add('progress', broken)
  for (const { node, message } of defects) verdict.add('defect', `${node}: ${message}`)
  for (const { brokerName, faults } of audits) {
    for (const fault of faults) verdict.add('readable', `${brokerName}: ${fault}`)
  }
}
