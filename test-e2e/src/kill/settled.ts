// Messages with which everything went well, as little as can be kept of them: what was sent, and where it lies.

interface Position {
  readonly brokerName: string
  readonly queueId: number
  readonly offset: number
}

export class Settled {
  /** By name of the attempt, the broker that has it. */
  readonly #brokers = new Map<string, string>()
  readonly #places = new Set<string>()
  readonly #counts = new Map<string, number>()
  readonly #ends = new Map<string, number[]>()

  add(id: string, place: string, { brokerName, queueId, offset }: Position): void {
    this.#brokers.set(id, brokerName)
    this.#places.add(place)
    this.#counts.set(brokerName, this.countOf(brokerName) + 1)
    const ends = this.#ends.get(brokerName) ?? []
    ends[queueId] = Math.max(ends[queueId] ?? 0, offset + 1)
    this.#ends.set(brokerName, ends)
  }

  get count(): number {
    return this.#brokers.size
  }

  countOf(brokerName: string): number {
    return this.#counts.get(brokerName) ?? 0
  }

  /** By queue, one past its last message. */
  endsOf(brokerName: string): readonly (number | undefined)[] {
    return this.#ends.get(brokerName) ?? []
  }

  brokerOf(id: string): string | undefined {
    return this.#brokers.get(id)
  }

  has(place: string): boolean {
    return this.#places.has(place)
  }
}
