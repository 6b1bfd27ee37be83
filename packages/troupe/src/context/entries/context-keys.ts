/** Keys of a common form, for applications that define no forms. */
import { failure } from '../../core/index.ts'

type Part = string | number

function keyOf(form: string, ...parts: readonly Part[]): string {
  let next = 0
  return form.replace(/\{(\w+)\}/g, (_, name: string) => {
    const part: unknown = parts[next++]
    if ((typeof part !== 'string' && !Number.isFinite(part)) || part === '')
      throw failure('key.parameter', { form, name, problem: 'needs a text or a number' })
    return String(part)
  })
}

/**
 * Creates keys of the common form `kind.id.what` from texts or numbers that are not empty.
 * @throws ValidationError `key.parameter`
 * @example await support.context.push(contextKeys.order(17, 'status'), { paid: true }) // under orders.17.status
 */
export const contextKeys = Object.freeze({
  /** Returns `users.ID.WHAT`. */
  user: (id: Part, what: Part): string => keyOf('users.{id}.{what}', id, what),
  /** Returns `orders.ID.WHAT`; `details` by default. */
  order: (id: Part, what: Part = 'details'): string => keyOf('orders.{id}.{what}', id, what),
  /** Returns `products.ID.WHAT`; `details` by default. */
  product: (id: Part, what: Part = 'details'): string => keyOf('products.{id}.{what}', id, what),
  /** Returns `system.COMPONENT.METRIC`. */
  system: (component: Part, metric: Part): string => keyOf('system.{component}.{metric}', component, metric),
  /** Returns `cache.CATEGORY.ID`. */
  cache: (category: Part, id: Part): string => keyOf('cache.{category}.{id}', category, id),
})
