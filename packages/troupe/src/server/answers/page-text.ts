/** The text of a long page, item by item between other work: a page may hold many megabytes. */
import { type Clock, isLongValue, isObject, TimeSlice } from '../../core/index.ts'

/** An answer with items, as `page` returns it. */
interface Page {
  readonly items: readonly unknown[]
}

export const isLongPage = (answer: unknown): answer is Page =>
  isObject(answer) && Array.isArray(answer.items) && answer.items.length > 1 && isLongValue(answer)

const begin = '{"items":['

/** @param serialize writes a page by the schema of its route, whose first field is `items` */
export async function pageText(page: Page, serialize: (page: Page) => string, clock: Clock): Promise<string> {
  const slice = new TimeSlice(clock)
  const items: string[] = []
  for (const item of page.items) {
    if (slice.isOver) await slice.renew()
    items.push(serialize({ items: [item] }).slice(begin.length, -']}'.length))
  }
  if (slice.isOver) await slice.renew()
  const rest = serialize({ ...page, items: [] }).slice(begin.length)
  return `${begin}${items.join(',')}${rest}`
}
