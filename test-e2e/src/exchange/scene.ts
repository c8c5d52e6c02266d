// What both directions of an exchange have in common: the book, the questions, and checks in the words of an operator.
import { writtenSegments } from '../commit-log.ts'
import { type Checks, someOf } from '../checks.ts'
import { runCheck } from '../steps.ts'
import { type Book, fill } from './load.ts'
import { loadQueues, questionsOfMessages, questionsOfQueues, type Span } from './plan.ts'
import { type Answers, askAll, differencesOf, type Question } from './questions.ts'
import { readAll } from './read-all.ts'
import type { QueueName } from './requests.ts'
import type { Site, Visit } from './site.ts'
import type { Drained, Worker } from './worker.ts'

/** Whatever is popped comes within this time of its due. */
const DELIVERED_MS_MAX = 90_000

export interface SceneOptions {
  readonly site: Site
  readonly book: Book
  readonly messages: number
  readonly checks: Checks
  readonly tell: (line: string) => void
}

export class Scene {
  readonly site: Site
  readonly book: Book
  readonly messages: number
  readonly tell: (line: string) => void
  readonly #checks: Checks
  readonly #startedMs = Date.now()
  #readers = 0

  constructor(options: SceneOptions) {
    this.site = options.site
    this.book = options.book
    this.messages = options.messages
    this.tell = options.tell
    this.#checks = options.checks
  }

  /** One check; a scene goes on after a failure, as long as its brokers run. */
  async check(name: string, work: () => Promise<string | void>): Promise<boolean> {
    return await runCheck(this.#checks, name, work)
  }

  async fill(visit: Visit, count: number): Promise<void> {
    const startedMs = performance.now()
    await fill(visit.client, this.book, count)
    const tookMs = Math.round(performance.now() - startedMs)
    this.tell(
      `${visit.kind} has taken ${count} messages in ${tookMs} ms, ${writtenSegments(this.site.folder)} segments`,
    )
  }

  /** Questions about all that is written so far, and what this broker answers. */
  async learn(visit: Visit, further: readonly QueueName[], more: readonly Question[] = []): Promise<Learned> {
    const span: Span = { fromMs: this.#startedMs, toMs: Date.now() }
    const questions = [
      ...questionsOfQueues([...loadQueues(), ...further], span),
      ...questionsOfMessages(this.book, span),
      ...more,
    ]
    return { questions, answers: await askAll(visit.client, questions) }
  }

  /** One check per kind of question: this broker answers as the one before. */
  async checkSame(visit: Visit, { questions, answers }: Learned): Promise<void> {
    const now = await askAll(visit.client, questions)
    for (const kind of new Set(questions.map((question) => question.kind))) {
      const asked = [...answers].filter(([text]) => text.startsWith(`${kind} `))
      await this.check(`${visit.kind} answers ${asked.length} × ${kind} as before`, async () => {
        const failed = asked.filter(([, answer]) => answer.startsWith('failed'))
        if (failed.length > 0) throw new Error(`no answers before: ${someOf(failed.map((pair) => pair.join(': ')))}`)
        const differences = differencesOf(new Map(asked), now)
        if (differences.length > 0) throw new Error(someOf(differences))
      })
    }
  }

  /** Every message is there once, whole, in its place. */
  async checkAll(visit: Visit, group: string): Promise<void> {
    await this.check(`${visit.kind} has all ${this.book.next} messages`, async () => {
      const startedMs = performance.now()
      this.#readers += 1
      const faults = await readAll(visit.client, visit.kind, this.book, `${group}-${this.#readers}`)
      if (faults.length > 0) throw new Error(someOf(faults))
      return `read in ${Math.round(performance.now() - startedMs)} ms`
    })
  }

  /** These come to the worker; what it acknowledged before does not, except where duplicates may be. */
  async checkDelivered(
    visit: Visit,
    worker: Worker,
    wanted: readonly number[],
    { duplicates = 'none' }: { readonly duplicates?: 'none' | 'allowed' } = {},
  ): Promise<Drained> {
    let drained: Drained = { times: new Map(), again: [] }
    const name = `${visit.kind} delivers ${wanted.length} of ${worker.topic} that ${worker.group} has not acknowledged`
    await this.check(name, async () => {
      drained = await worker.drain(visit.client, wanted, { withinMs: DELIVERED_MS_MAX })
      const { times, again } = drained
      const missing = wanted.filter((number) => !times.has(number))
      if (missing.length > 0) throw new Error(`missing are ${someOf(missing.map(String))}`)
      if (duplicates === 'allowed') return again.length > 0 ? `${again.length} acknowledged ones came again` : undefined
      if (again.length > 0) throw new Error(`acknowledged ones came again: ${someOf(again.map(String))}`)
      const twice = [...times].filter(([, count]) => count > 1)
      if (twice.length > 0) throw new Error(`came several times: ${someOf(twice.map(([number]) => String(number)))}`)
      return undefined
    })
    return drained
  }
}

export interface Learned {
  readonly questions: readonly Question[]
  readonly answers: Answers
}
