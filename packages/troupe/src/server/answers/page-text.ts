/** The text of a long page, item by item between other work: a page may hold many megabytes. */
import { type Clock, isLongValue, isObject, TimeSlice } from '../../core/index.ts'

/** An answer with items, as `page` returns it. */
interface Page {
  readonly items: readonly unknown[]
}

export const isLongPage = (answer: unknown): answer is Page =>
  isObject(answer) && Array.isArray(answer.items) && answer.items.length > 1 && isLongValue(answer)

const begin = '{"items":['

/**
 * A page whose text does not begin with its items is written in one part.
 * @param serialize writes a page by the schema of its route, which may have more fields than the items and the cursor
 */
export async function pageText(page: Page, serialize: (page: Page) => string, clock: Clock): Promise<string> {
  const empty = serialize({ ...page, items: [] })
  if (!empty.startsWith(begin)) return serialize(page)
  const rest = empty.slice(begin.length)
  const slice = new TimeSlice(clock)
  const items: string[] = []
  for (const item of page.items) {
    if (slice.isOver) await slice.renew()
    items.push(serialize({ ...page, items: [item] }).slice(begin.length, -rest.length))
  }
  if (slice.isOver) await slice.renew()
  return `${begin}${items.join(',')}${rest}`
}
