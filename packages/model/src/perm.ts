/** Permission bits of a topic or a broker. Java: PermName. */
export const Perm = {
  INHERIT: 1,
  WRITE: 2,
  READ: 4,
  PRIORITY: 8,
  READ_WRITE: 6,
} as const

export function isReadable(perm: number): boolean {
  return (perm & Perm.READ) !== 0
}

export function isWritable(perm: number): boolean {
  return (perm & Perm.WRITE) !== 0
}

/** What an auto-created topic takes its own permission from. */
export function isInherited(perm: number): boolean {
  return (perm & Perm.INHERIT) !== 0
}

/** 0 … 7: what administrators may set. Java: PermName.isValid. */
export function isLegalPerm(perm: number): boolean {
  return Number.isInteger(perm) && perm >= 0 && perm < Perm.PRIORITY
}
