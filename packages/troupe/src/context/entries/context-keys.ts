/** Keys in the common form of kind, whose and what, for those who want no forms of their own. */
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
 * Each takes texts or numbers that are not empty and gives the key.
 * @throws ValidationError `key.parameter`
 * @example await support.context.push(contextKeys.order(17, 'status'), { paid: true }) // under orders.17.status
 */
export const contextKeys = Object.freeze({
  user: (id: Part, what: Part): string => keyOf('users.{id}.{what}', id, what),
  order: (id: Part, what: Part = 'details'): string => keyOf('orders.{id}.{what}', id, what),
  product: (id: Part, what: Part = 'details'): string => keyOf('products.{id}.{what}', id, what),
  system: (component: Part, metric: Part): string => keyOf('system.{component}.{metric}', component, metric),
  cache: (category: Part, id: Part): string => keyOf('cache.{category}.{id}', category, id),
})
