export * from './check-owner.ts'
export * from './check-store.ts'
export type { Finding, FindingKind, Severity } from './finding.ts'
export { FINDING_KINDS, FINDINGS_MAX } from './finding.ts'
