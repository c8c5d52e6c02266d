// What is wrong with a configuration, said so that it can be mended: where it stands, what it says, what is expected.

/** Kinds of sources, in the order in which faults are told. */
const SOURCE_ORDER = ['file', 'environment', 'flags', 'all'] as const
export type SourceKind = (typeof SOURCE_ORDER)[number]

/** A fault, or a warning, which has the same form. */
export interface ConfigFault {
  readonly kind: SourceKind
  /** Line of the file or place on the command line; orders the faults of one kind. */
  readonly at: number
  /** As a person finds it: `broker.conf:12`, `ROCKETMQ_TS_BROKER_LISTEN_PORT`, `--listen-port`. */
  readonly source: string
  /** Name of the setting, where the source does not say it. */
  readonly name?: string
  /** Continues the sentence "<source> …". */
  readonly reason: string
  /** What to do or to give instead. */
  readonly remedy?: string
}

/** By kind of source, and in one by place, then by name. */
export function sortFaults(faults: readonly ConfigFault[]): ConfigFault[] {
  return faults.toSorted(
    (a, b) =>
      SOURCE_ORDER.indexOf(a.kind) - SOURCE_ORDER.indexOf(b.kind) ||
      a.at - b.at ||
      Number(a.source > b.source) - Number(a.source < b.source),
  )
}

/** Faults as lines for a person, one each. */
export function formatFaults(faults: readonly ConfigFault[]): string {
  return faults
    .map(({ source, name, reason, remedy }) => {
      const subject = name === undefined ? source : `${source}: ${name}`
      return `${subject}: ${reason}${remedy === undefined ? '' : `; ${remedy}`}`
    })
    .join('\n')
}

/** What services log of a configuration that they took. */
export interface ConfigWarningEvent {
  readonly event: 'config.warning'
  /** A sentence that names source, property and reason. */
  readonly warning: string
}
