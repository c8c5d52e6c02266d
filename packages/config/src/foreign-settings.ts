// Properties of Apache's that are not ours. Files of real deployments name many of them, and each is one of two: it has
// no effect here, which is a warning, or it would change what the service does, which is a fault unless it asks for
// what the service does anyway. So nothing that matters is ever passed over.

export type ForeignRule =
  | { readonly kind: 'without-effect'; readonly why: string }
  | {
      readonly kind: 'only-as'
      readonly values: readonly string[]
      readonly why: string
      /** What is given is shown to nobody. */
      readonly isSecret: boolean
    }

/** Rules by property name. */
export type ForeignSettings = ReadonlyMap<string, ForeignRule>

/** Properties with one reason. */
export interface ForeignGroup {
  /** Names, parted by white space. */
  readonly names: string
  /** Continues "has no effect: …", or says what is not offered. */
  readonly why: string
  /** Only these values are what the service does anyway, letter case aside. Absent: the property never has an effect. */
  readonly only?: readonly string[]
  /** Their values are shown to nobody. */
  readonly isSecret?: boolean
}

export const NO_FOREIGN_SETTINGS: ForeignSettings = new Map()

/** The rules of some groups. */
export function foreignSettings(groups: readonly ForeignGroup[]): ForeignSettings {
  const rules = new Map<string, ForeignRule>()
  for (const { names, why, only, isSecret = false } of groups) {
    const rule: ForeignRule =
      only === undefined ? { kind: 'without-effect', why } : { kind: 'only-as', values: only, why, isSecret }
    for (const name of names.trim().split(/\s+/)) rules.set(name, rule)
  }
  return rules
}

/** What is to be said of a property with this value: nothing, a warning, or a fault with its remedy. */
export function judgeForeign(
  rule: ForeignRule,
  text: string,
): undefined | { readonly severity: 'warning' | 'fault'; readonly reason: string; readonly remedy?: string } {
  if (rule.kind === 'without-effect') return { severity: 'warning', reason: `has no effect: ${rule.why}` }
  if (rule.values.some((value) => value.toLowerCase() === text.toLowerCase())) return undefined
  const shown = rule.isSecret ? 'what is given' : JSON.stringify(text)
  const values = rule.values.filter((value) => value !== '')
  const remedy = values.length === 0 ? 'remove it' : `remove it, or set it to ${values.join(' or ')}`
  return { severity: 'fault', reason: `${shown} is not offered: ${rule.why}`, remedy }
}
