/** The title of a run or a thread: the beginning of its first text, the same wherever it is listed. */
import { setField } from '../json/json.ts'
import { isLongValue } from './long-values.ts'
import { truncateText } from './truncate-text.ts'

const maxRead = 4_000

/** Returns the beginning of a task or message on one line of at most 200 characters, as a text that every storage takes. */
export function titleOf(value: unknown): string {
  const written =
    typeof value === 'string'
      ? value.trimStart()
      : (JSON.stringify(isLongValue(value) ? beginningOf(value) : value) ?? '')
  // A text of megabytes is not searched for white space as a whole.
  const text = written
    .slice(0, maxRead)
    .toWellFormed()
    .replaceAll(/[\s\p{Cc}]+/gu, ' ')
    .trim()
  return text.length > 200 ? `${truncateText(text, 199)}…` : text
}

/** Returns the beginning of a JSON value: its text has the same first `maxRead` characters. */
function beginningOf(value: unknown): unknown {
  let left = maxRead
  const beginning = (each: unknown): unknown => {
    if (typeof each === 'string') {
      const text = each.slice(0, Math.max(left, 0))
      left -= text.length
      return text
    }
    if (typeof each !== 'object' || each === null) return each
    const keys = Array.isArray(each) ? undefined : Object.keys(each)
    const list: unknown[] = []
    const fields: Record<string, unknown> = {}
    const count = (keys ?? (each as readonly unknown[])).length
    for (let i = 0; i < count && left > 0; i++) {
      const key = keys?.[i]
      left -= 1 + (key?.length ?? 0)
      const item = beginning((each as Record<string | number, unknown>)[key ?? i])
      if (key === undefined) list.push(item)
      else setField(fields, key, item)
    }
    return keys ? fields : list
  }
  return beginning(value)
}
