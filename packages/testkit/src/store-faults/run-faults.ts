// Plants faults into sample stores, one at a time, and lets the check look. Every one must be found, unless it only
// touches bytes that are listed as covered by none.
import { brokerCheckOwner } from '@rocketmq-ts/broker/check'
import { type CheckReport, checkStore } from '@rocketmq-ts/store'
import { Prng } from '../sim/prng.ts'
import { type Fault, flipBit, plantFault } from './fault.ts'
import { createImageFiles, type FolderImage } from './folder-image.ts'
import { makeStores, ROOT, type SampleStore } from './make-stores.ts'
import { createUncovered, type Uncovered, type UncoveredField } from './uncovered.ts'

/** Bits tried per store before a field counts as covered. */
const FLIPS_MAX = 2000

/** What came of one fault. 'uncovered' was not found, and need not be. */
export interface FaultOutcome {
  readonly seed: number
  readonly store: string
  readonly fault: Fault
  readonly outcome: 'found' | 'uncovered' | 'missed'
  /** Fields that the fault touched, where it was not found. */
  readonly fields: readonly string[]
  /** Kinds of findings that the sound store does not have. */
  readonly kinds: readonly string[]
}

/** A store with what the check says of it while it is whole. */
export interface CheckedStore extends SampleStore {
  readonly sound: CheckReport
}

interface Patient extends CheckedStore {
  readonly files: ReturnType<typeof createImageFiles>
  readonly uncovered: Uncovered
  readonly findings: ReadonlySet<string>
}

export interface FaultRunner {
  readonly stores: readonly CheckedStore[]
  /** Plants the fault that a seed stands for. */
  run(seed: number): Promise<FaultOutcome>
  /** True when some flip in the field is not found: it belongs on the list of what is uncovered. */
  hides(field: UncoveredField): Promise<boolean>
  /** Bytes listed as uncovered by this reason. */
  bytesListed(reason: string): number
  /** Those of them of which every flip is found: they are listed for nothing. */
  coveredAfterAll(reason: string): Promise<string[]>
}

function check(files: Patient['files']): Promise<CheckReport> {
  return checkStore({ folder: ROOT, owner: brokerCheckOwner }, files)
}

function keysOf({ findings }: CheckReport): string[] {
  return findings.map(({ kind, file, at, problem }) => `${kind} ${file} ${at} ${problem}`)
}

/** Bytes that differ, with the field that leaves each uncovered; undefined as soon as one is covered. */
function uncoveredFields({ image, uncovered }: Patient, { contents, changed }: Fault): string[] | undefined {
  const fields = new Set<string>()
  for (const { file, from, to } of changed) {
    const [before, after] = [image.get(file)!, contents.get(file)!]
    for (let at = from; at < to; at += 1) {
      if (at < after.length && before[at] === after[at]) continue
      const field = uncovered(file, at, at >= after.length)
      if (field === undefined) return undefined
      fields.add(field)
    }
  }
  return [...fields]
}

/** Makes the stores and looks at them while they are sound. */
export async function createFaultRunner(): Promise<FaultRunner> {
  const patients: Patient[] = []
  for (const store of await makeStores()) {
    const files = createImageFiles(store.image, ROOT)
    const sound = await check(files)
    const lost = sound.findings.filter(({ kind }) => kind === 'log-damaged')
    const uncovered = createUncovered(
      store.image,
      lost.map(({ file, at = 0, bytes = 0 }) => ({ file, at, bytes })),
    )
    patients.push({ ...store, sound, files, uncovered, findings: new Set(keysOf(sound)) })
  }

  function plant(image: FolderImage, random: Prng): Fault {
    for (;;) {
      const fault = plantFault(image, random)
      if (fault !== undefined) return fault
    }
  }

  async function judge(seed: number, patient: Patient, fault: Fault): Promise<FaultOutcome> {
    patient.files.change(fault.contents)
    const report = await check(patient.files)
    const keys = keysOf(report)
    const fresh = report.findings.filter(
      ({ severity }, index) => severity !== 'note' && !patient.findings.has(keys[index]!),
    )
    const kinds = [...new Set(fresh.map(({ kind }) => kind))]
    const about = { seed, store: patient.name, fault, kinds }
    if (kinds.length > 0) return { ...about, outcome: 'found', fields: [] }
    const fields = uncoveredFields(patient, fault)
    return { ...about, outcome: fields === undefined ? 'missed' : 'uncovered', fields: fields ?? [] }
  }

  return {
    stores: patients,
    run(seed) {
      const random = new Prng(seed)
      const patient = random.pick(patients)
      return judge(seed, patient, plant(patient.image, random))
    },
    async hides(field) {
      for (const patient of patients) {
        for (const fault of flipsIn(patient, field)) {
          if ((await judge(0, patient, fault)).outcome === 'uncovered') return true
        }
      }
      return false
    },
    bytesListed: (reason) => patients.reduce((sum, patient) => sum + [...bytesOf(patient, reason)].length, 0),
    async coveredAfterAll(reason) {
      const covered: string[] = []
      for (const patient of patients) {
        for (const { file, at } of bytesOf(patient, reason)) {
          let isHidden = false
          for (let bit = 0; bit < 8 && !isHidden; bit += 1) {
            const fault = flipBit(file, patient.image.get(file)!, at, bit)
            isHidden = (await judge(0, patient, fault)).outcome === 'uncovered'
          }
          if (!isHidden) covered.push(`${patient.name} ${file} ${at}`)
        }
      }
      return covered
    },
  }
}

/** Bytes of a field of all patients. */
function* bytesOf({ image, uncovered }: Patient, field: string): Iterable<{ file: string; at: number }> {
  for (const [file, content] of image) {
    for (let at = 0; at < content.length; at += 1) if (uncovered(file, at, false) === field) yield { file, at }
  }
}

/** Flips of single bits in the bytes of a field, one record after the other. */
function* flipsIn({ image, uncovered }: Patient, field: UncoveredField): Iterable<Fault> {
  let flips = 0
  for (const [file, content] of image) {
    for (let at = 0; at < content.length; at += 1) {
      if (uncovered(file, at, false) !== field) continue
      for (let bit = 0; bit < 8; bit += 1) {
        flips += 1
        if (flips > FLIPS_MAX) return
        yield flipBit(file, content, at, bit)
      }
    }
  }
}
