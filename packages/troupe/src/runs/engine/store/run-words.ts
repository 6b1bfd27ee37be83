/**
 * The search words of a run: those of its task, tags, response and error. The index stores only a mark of each word, because
 * these texts are content. So a search finds complete words only.
 */

import { sql } from 'kysely'
import type { Json } from '../../../core/index.ts'
import { truncateText } from '../../../core/index.ts'
import { type Dialect, templates } from '../../../storage/index.ts'

/** The highest number of different words at the start and at the end of a run. */
export const maxWords = 128
/** The number of characters that are read for words. */
const maxTextLength = 20_000
/** Each letter of a script without spaces is a word. */
const unspaced = '\\p{Script=Han}\\p{Script=Hiragana}\\p{Script=Katakana}\\p{Script=Thai}'
const word = new RegExp(`[${unspaced}]|(?:(?![${unspaced}])[\\p{L}\\p{N}\\p{M}])+`, 'gu')

/** Returns the different words of a text without case, in Unicode form NFKC. */
const wordsOf = (text: string): readonly string[] => text.normalize('NFKC').toLowerCase().match(word) ?? []

/** Returns the first words of all texts and numbers in the values; names of fields do not count. */
export function searchWordsIn(values: readonly (Json | undefined)[]): readonly string[] {
  const found = new Set<string>()
  let left = maxTextLength
  const isFull = () => left <= 0 || found.size >= maxWords
  const visit = (value: Json | undefined): void => {
    if (isFull()) return
    if (typeof value === 'string' || typeof value === 'number') {
      const text = truncateText(String(value), left)
      left -= text.length
      for (const each of wordsOf(text)) if (found.size < maxWords) found.add(each)
    } else if (typeof value === 'object' && value !== null)
      for (const each of Array.isArray(value) ? value : Object.values(value)) {
        if (isFull()) return
        visit(each as Json)
      }
  }
  for (const value of values) visit(value)
  return [...found]
}

/** The texts of a JSON list as rows of `each`, in its column `value`. */
export const eachOf = ({ name }: Dialect, list: string) =>
  name === 'sqlite' ? sql`json_each(${list}) each` : sql`json_array_elements_text(cast(${list} as json)) each(value)`

/** `words`: JSON list of marks; the run's row is there. */
export const addWords = (dialect: Dialect) =>
  templates(dialect)<{ user: string; run: string; words: string }>(
    (p) =>
      sql`insert into run_labels (user_id, kind, value, created_at, run_id)
        select r.user_id, 'word', each.value, r.created_at, r.run_id from runs r cross join ${eachOf(dialect, p.words)}
        where r.user_id = ${p.user} and r.run_id = ${p.run} on conflict do nothing`,
  )
