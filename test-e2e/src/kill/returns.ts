// How soon a broker that is back delivers again: proxies must notice its return, or its messages wait.

interface BrokerReturn {
  readonly readyMs: number
  firstMs: number | undefined
}

export class Returns {
  /** By broker, its present life. */
  readonly #lives = new Map<string, BrokerReturn>()
  readonly #all: BrokerReturn[] = []

  back(brokerName: string): void {
    const life = { readyMs: performance.now(), firstMs: undefined }
    this.#lives.set(brokerName, life)
    this.#all.push(life)
  }

  gone(brokerName: string): void {
    this.#lives.delete(brokerName)
  }

  delivered(brokerName: string): void {
    const life = this.#lives.get(brokerName)
    if (life !== undefined) life.firstMs ??= performance.now()
  }

  /** Milliseconds until the first delivery after each; without those that were cut short or had nothing to deliver. */
  waits(): number[] {
    return this.#all.flatMap(({ readyMs, firstMs }) => (firstMs === undefined ? [] : [firstMs - readyMs]))
  }
}
