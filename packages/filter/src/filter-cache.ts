// Filters by their text, so that a subscription is compiled once and not with each request. The ones used last stay.
import { type MessageFilter, parseFilter } from './message-filter.ts'

/** Filters of a cache, and characters of their texts, at most. */
export const FILTERS_CACHED_MAX = 1024
export const FILTER_CHARS_CACHED_MAX = 1024 * 1024

export interface FilterCache {
  /** As `parseFilter`; what is refused is not kept. */
  filter(type: string | undefined, text: string | undefined): MessageFilter
  readonly size: number
}

export function createFilterCache(): FilterCache {
  /** In the order of their last use. */
  const filters = new Map<string, MessageFilter>()
  let chars = 0

  function add(key: string, filter: MessageFilter): void {
    filters.set(key, filter)
    chars += key.length
    for (const oldest of filters.keys()) {
      if (filters.size <= FILTERS_CACHED_MAX && chars <= FILTER_CHARS_CACHED_MAX) break
      filters.delete(oldest)
      chars -= oldest.length
    }
  }

  return {
    filter(type, text) {
      const key = `${type ?? ''} ${text ?? ''}`
      const known = filters.get(key)
      if (known === undefined) {
        const parsed = parseFilter(type, text)
        if (!parsed.all) add(key, parsed)
        return parsed
      }
      filters.delete(key)
      filters.set(key, known)
      return known
    },
    get size() {
      return filters.size
    },
  }
}
