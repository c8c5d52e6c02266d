import { expect, test } from '@jest/globals'
import type { Peer } from '@rocketmq-ts/remoting'
import { createPeerWaits } from '../src/peer-waits.ts'

/** A connection that the test closes. */
function createPeer() {
  const callbacks: (() => void)[] = []
  let closed = false
  const peer = {
    onClose(callback: () => void) {
      if (closed) callback()
      else callbacks.push(callback)
    },
  } as Peer
  function close(): void {
    closed = true
    for (const callback of callbacks.splice(0)) callback()
  }
  return { peer, close, callbacks }
}

function createWait() {
  let told = 0
  return { wait: { gone: () => void (told += 1) }, told: () => told }
}

test('waits of a connection: it goes → all that still wait are told, once', () => {
  const waits = createPeerWaits()
  const { peer, close } = createPeer()
  const [first, second, over] = [createWait(), createWait(), createWait()]
  waits.add(peer, first.wait)
  waits.add(peer, second.wait)
  waits.add(peer, over.wait).done()
  close()
  expect([first.told(), second.told(), over.told()]).toStrictEqual([1, 1, 0])
})

test('waits of a connection: it is gone already, and others had waited before → a new one is told at once', () => {
  const waits = createPeerWaits()
  const { peer, close } = createPeer()
  waits.add(peer, createWait().wait)
  close()
  const late = createWait()
  waits.add(peer, late.wait)
  expect(late.told()).toBe(1)
  expect(waits.isGone(peer)).toBe(true)
})

test('waits of a connection: however many come and go → one callback', () => {
  const waits = createPeerWaits()
  const { peer, callbacks } = createPeer()
  for (let index = 0; index < 1000; index += 1) waits.add(peer, createWait().wait).done()
  expect(waits.isGone(peer)).toBe(false)
  expect(callbacks).toHaveLength(1)
})
