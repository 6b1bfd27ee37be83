import { expect, it } from 'vitest'
import { contextKeys } from './context-keys.ts'

it('contextKeys makes keys of users, orders, products, the system and caches.', () => {
  expect(contextKeys.user('12345', 'profile')).toBe('users.12345.profile')
  expect(contextKeys.order('ORDER_123', 'status')).toBe('orders.ORDER_123.status')
  expect(contextKeys.order(17)).toBe('orders.17.details')
  expect(contextKeys.product(5)).toBe('products.5.details')
  expect(contextKeys.system('api', 'response_time')).toBe('system.api.response_time')
  expect(contextKeys.cache('search', '$1')).toBe('cache.search.$1')
})
it('contextKeys rejects a part that would leave the key incomplete.', () => {
  expect(() => contextKeys.user('', 'profile')).toThrow(expect.objectContaining({ code: 'key.parameter' }))
  expect(() => contextKeys.cache('search', undefined as never)).toThrow(/id/)
  expect(() => contextKeys.order(Number.NaN)).toThrow(/id/)
})
