// What the groups of a seed ask for: everything, tags, or what an expression says. The model decides by conditions of its
// own, written beside each text.
import type { Message } from './model.ts'

/** What expressions ask for; undefined: the message does not have the property. */
export interface Traits {
  readonly rank: number | undefined
  readonly colour: string | undefined
}

export interface GroupFilter {
  readonly type: 'TAG' | 'SQL92'
  readonly text: string
  takes(message: Pick<Message, 'tag' | 'traits'>): boolean
}

const COLOURS = ['red', 'blue', "o'live", undefined] as const
const RANKS = 9
/** One message of so many has no rank. */
const NO_RANK_EVERY = 7

/** Of a message: from its number alone. */
export function traitsOf(id: number): Traits {
  return { rank: id % NO_RANK_EVERY === 0 ? undefined : id % RANKS, colour: COLOURS[id % COLOURS.length] }
}

/** They and their names, as they are sent. */
export function traitProperties({ rank, colour }: Traits): readonly (readonly [name: string, value: string])[] {
  const properties: (readonly [string, string])[] = []
  if (rank !== undefined) properties.push(['rank', String(rank)])
  if (colour !== undefined) properties.push(['colour', colour])
  return properties
}

export const EVERYTHING: GroupFilter = { type: 'TAG', text: '*', takes: () => true }

export const TAG_FILTERS: readonly GroupFilter[] = [
  { type: 'TAG', text: 'A', takes: ({ tag }) => tag === 'A' },
  { type: 'TAG', text: 'A || C', takes: ({ tag }) => tag !== 'B' },
]

/** What a message does not have is neither equal nor different, neither more nor less. */
export const SQL_FILTERS: readonly GroupFilter[] = [
  sql('rank > 4', ({ rank }) => rank !== undefined && rank > 4),
  sql('NOT (rank > 4)', ({ rank }) => rank !== undefined && rank <= 4),
  sql(
    "colour = 'red' OR rank BETWEEN 2 AND 3",
    ({ rank, colour }) => colour === 'red' || (rank !== undefined && rank >= 2 && rank <= 3),
  ),
  sql("colour IS NULL OR colour IN ('o''live')", ({ colour }) => colour === undefined || colour === "o'live"),
  sql("colour <> 'blue' AND rank IS NOT NULL", ({ rank, colour }) => {
    return colour !== undefined && colour !== 'blue' && rank !== undefined
  }),
  { type: 'SQL92', text: "TAGS = 'B' OR rank = 1", takes: ({ tag, traits }) => tag === 'B' || traits.rank === 1 },
]

function sql(text: string, takes: (traits: Traits) => boolean): GroupFilter {
  return { type: 'SQL92', text, takes: ({ traits }) => takes(traits) }
}
