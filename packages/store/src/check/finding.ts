// What a check found wrong, in a bounded list. Pure.

/**
 * 'error': messages or promised state are lost or not what was stored. 'warning': a derived file is wrong; the log can
 * make it again. 'note': what a stop without notice leaves and the next start settles; no fault.
 */
export type Severity = 'error' | 'warning' | 'note'

interface Kind {
  readonly severity: Severity
  readonly remedy: string
}

const REPAIR = 'rmq store repair writes what is whole into a new folder'
const REBUILD_QUEUE =
  'remove the folder of this queue while the broker is stopped: the next start builds it from the log'

/** Every kind of finding, with what to do about it. Names are a contract with programs. */
export const FINDING_KINDS = {
  'log-file': { severity: 'error', remedy: `bring the file back from a copy, or: ${REPAIR}` },
  'log-damaged': { severity: 'error', remedy: `a start serves all around it, and counts it as lost; ${REPAIR}` },
  'log-missing': { severity: 'error', remedy: 'bring the files back from a copy; what was there is lost otherwise' },
  'log-header': {
    severity: 'error',
    remedy: `no CRC covers this field; compare the message with its sender's; ${REPAIR}`,
  },
  'log-offset': { severity: 'error', remedy: `readers skip what the queue does not name; ${REPAIR}` },
  'log-time': { severity: 'warning', remedy: 'searches by time may miss messages around it' },
  'log-rest': {
    severity: 'error',
    remedy: 'bytes behind the end of the log are never served; the next start after a kill clears them',
  },
  'log-filler': {
    severity: 'warning',
    remedy: 'the filler of a segment has no meaning; a disk that changes bytes should be replaced',
  },
  'log-tail': { severity: 'note', remedy: 'the next start cuts it and keeps a copy in damaged/' },
  'journal-damaged': {
    severity: 'error',
    remedy: 'states of consumer groups may be those of an earlier time; messages may come twice',
  },
  'queue-unit': { severity: 'warning', remedy: REBUILD_QUEUE },
  'queue-file': { severity: 'warning', remedy: REBUILD_QUEUE },
  'queue-rest': { severity: 'warning', remedy: REBUILD_QUEUE },
  'queue-unknown': {
    severity: 'warning',
    remedy: 'no record of the log belongs to it; remove its folder while the broker is stopped',
  },
  'queue-behind': { severity: 'note', remedy: 'the next start completes it from the log' },
  'queue-ahead': { severity: 'note', remedy: 'the next start clears it' },
  'unit-pack': {
    severity: 'warning',
    remedy:
      'remove the pack while the broker is stopped: the next start builds the queues that have units in it from the log',
  },
  'index-entry': {
    severity: 'warning',
    remedy:
      'queries by key miss messages; remove the folder index while the broker is stopped: the next start builds it from the log',
  },
  'index-file': {
    severity: 'warning',
    remedy: 'remove the folder index while the broker is stopped: the next start builds it from the log',
  },
  'index-behind': { severity: 'note', remedy: 'the next start completes it from the log' },
  checkpoint: { severity: 'warning', remedy: 'the next start does without it and reads the log' },
  'flushed-mark': { severity: 'warning', remedy: 'the next start takes the other one, and reads more closely' },
  'last-writer': {
    severity: 'warning',
    remedy: 'the next start may take what is there for the work of another broker, and reads the whole log',
  },
  'store-checkpoint': {
    severity: 'warning',
    remedy: "only Apache's broker reads it: it recovers from an earlier place",
  },
  reserve: { severity: 'warning', remedy: 'remove it: it is made again' },
  'file-name': { severity: 'warning', remedy: 'nobody reads it under this name; look where it comes from' },
  unreadable: { severity: 'error', remedy: 'the disk or its permissions refuse; look at the log of the system' },
} as const satisfies Record<string, Kind>
export type FindingKind = keyof typeof FINDING_KINDS

/** One thing that is not as it should be. */
export interface Finding {
  readonly kind: FindingKind | (string & {})
  readonly severity: Severity
  /** Relative to the folder of the store. */
  readonly file: string
  /** First byte concerned within the file, where one can be named. */
  readonly at?: number | undefined
  /** Bytes concerned, where they can be counted. */
  readonly bytes?: number | undefined
  readonly problem: string
  readonly remedy: string
}

/** Findings kept with their text, at most; the others are counted. */
export const FINDINGS_MAX = 1000

/** Where checks put what they find. */
export interface Findings {
  add(kind: FindingKind, place: FindingPlace, problem: string): void
  /** One whose kind, severity and remedy another package knows. */
  addOther(finding: Finding): void
  readonly list: readonly Finding[]
  /** How many of each kind, those that are not in the list included. */
  readonly counts: Readonly<Record<string, number>>
  readonly more: number
  count(severity: Severity): number
}

export interface FindingPlace {
  readonly file: string
  readonly at?: number | undefined
  readonly bytes?: number | undefined
}

export function createFindings(max = FINDINGS_MAX): Findings {
  const list: Finding[] = []
  const counts: Record<string, number> = {}
  const severities: Record<Severity, number> = { error: 0, warning: 0, note: 0 }
  let more = 0

  function addOther(finding: Finding): void {
    counts[finding.kind] = (counts[finding.kind] ?? 0) + 1
    severities[finding.severity] += 1
    if (list.length < max) list.push(finding)
    else more += 1
  }

  return {
    list,
    counts,
    get more() {
      return more
    },
    count: (severity) => severities[severity],
    addOther,
    add(kind, place, problem) {
      const { severity, remedy } = FINDING_KINDS[kind]
      addOther({ kind, severity, ...place, problem, remedy })
    },
  }
}
