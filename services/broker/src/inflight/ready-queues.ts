// Which queues of a group in a topic have ready messages: one bit per queue id, found without visiting the others.

export class ReadyQueues {
  #words = new Uint32Array(1)

  set(queueId: number): void {
    const word = queueId >>> 5
    if (word >= this.#words.length) {
      const words = new Uint32Array(Math.max(word + 1, this.#words.length * 2))
      words.set(this.#words)
      this.#words = words
    }
    this.#words[word]! |= 1 << (queueId & 31)
  }

  clear(queueId: number): void {
    const word = queueId >>> 5
    if (word < this.#words.length) this.#words[word]! &= ~(1 << (queueId & 31))
  }

  /** The first set queue id at or cyclically after `from`; undefined when none is set. */
  next(from: number): number | undefined {
    const words = this.#words
    const inside = from < words.length * 32 ? from : 0
    const start = inside >>> 5
    const head = words[start]! & (-1 << (inside & 31))
    if (head !== 0) return start * 32 + lowest(head)
    for (let step = 1; step <= words.length; step += 1) {
      const at = (start + step) % words.length
      const word = words[at]!
      if (word !== 0) return at * 32 + lowest(word)
    }
    return undefined
  }
}

function lowest(word: number): number {
  return 31 - Math.clz32(word & -word)
}
