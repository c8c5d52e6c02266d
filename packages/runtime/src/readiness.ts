// Whether a service welcomes traffic, and which of its parts is the reason if it does not.

/** One condition of readiness. A part that is ready may have a reason too: something to know that does not stop traffic. */
export interface ReadinessPart {
  readonly name: string
  readonly ready: boolean
  readonly reason?: string
}

/** State that health reports show. */
export type Readiness =
  | { readonly ready: true; readonly parts?: readonly ReadinessPart[] }
  | { readonly ready: false; readonly reason: string; readonly parts?: readonly ReadinessPart[] }

/** The parts of a service within a whole, as `name/part`. */
export function partsWithin(name: string, state: Readiness): ReadinessPart[] {
  if (state.parts !== undefined) return state.parts.map((part) => ({ ...part, name: `${name}/${part.name}` }))
  return [state.ready ? { name, ready: true } : { name, ready: false, reason: state.reason }]
}

/** Ready when all parts are; else the first that is not gives the reason. */
export function readinessOf(parts: readonly ReadinessPart[]): Readiness {
  const missing = parts.find(({ ready }) => !ready)
  if (missing === undefined) return { ready: true, parts }
  return { ready: false, reason: missing.reason ?? `${missing.name} is not ready`, parts }
}
