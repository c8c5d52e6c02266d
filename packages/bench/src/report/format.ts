// Figures as people read them.

/** Whole numbers with thin groups: 12 345. */
export function whole(value: number): string {
  return Math.round(value)
    .toString()
    .replace(/\B(?=(\d{3})+$)/g, ' ')
}
