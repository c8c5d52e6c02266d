// Messages per second and per day, for GET_BROKER_RUNTIME_INFO: one counter per second, no timer.
// Java: StoreStatsService, BrokerStats.

/** Spans that tools show, in seconds. */
const SPANS_S = [10, 60, 600] as const
const BUCKETS = 601
const DAY_MS = 86_400_000

/** Counts events of the last ten minutes and since the start. `nowMs` must not go back. */
export class Traffic {
  readonly #counts = new Uint32Array(BUCKETS)
  #second: number
  #day: number
  #total = 0
  #totalThisMorning = 0
  #totalYesterdayMorning = 0

  constructor(nowMs: number) {
    this.#second = Math.floor(nowMs / 1000)
    this.#day = localDayOf(nowMs)
  }

  add(count: number, nowMs: number): void {
    this.#advance(nowMs)
    const bucket = this.#second % BUCKETS
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + count
    this.#total += count
  }

  /** Per second over the last 10, 60 and 600 full seconds, as tools split it: `1.0 0.5 0.1`. */
  perSecondText(nowMs: number): string {
    this.#advance(nowMs)
    return SPANS_S.map((seconds) => (this.#sum(seconds) / seconds).toFixed(1)).join(' ')
  }

  /** Since the start: now, at the start of this day and of the day before, both in local time. */
  totals(nowMs: number): { readonly now: number; readonly thisMorning: number; readonly yesterdayMorning: number } {
    this.#advance(nowMs)
    return { now: this.#total, thisMorning: this.#totalThisMorning, yesterdayMorning: this.#totalYesterdayMorning }
  }

  #advance(nowMs: number): void {
    const second = Math.floor(nowMs / 1000)
    if (second <= this.#second) return
    const passed = Math.min(second - this.#second, BUCKETS)
    for (let step = 0; step < passed; step += 1) this.#counts[(second - step) % BUCKETS] = 0
    this.#second = second
    const day = localDayOf(nowMs)
    if (day === this.#day) return
    this.#totalYesterdayMorning = day === this.#day + 1 ? this.#totalThisMorning : this.#total
    this.#totalThisMorning = this.#total
    this.#day = day
  }

  #sum(seconds: number): number {
    let sum = 0
    for (let step = 1; step <= seconds; step += 1) {
      const second = this.#second - step
      if (second >= 0) sum += this.#counts[second % BUCKETS] ?? 0
    }
    return sum
  }
}

function localDayOf(nowMs: number): number {
  return Math.floor((nowMs - new Date(nowMs).getTimezoneOffset() * 60_000) / DAY_MS)
}
