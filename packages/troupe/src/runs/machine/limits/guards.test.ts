import { expect, it } from 'vitest'
import { failure, storeError } from '../../../core/index.ts'
import { guardIn } from './guards.ts'

it('The guard of an exceeded budget has what the error says of its use, and the runs that hold the rest.', () => {
  const use = { used: 4, held: 5, by: [{ run: 'r', held: 5 }] }
  const error = storeError(
    failure('budget.exceeded', { budget: 'steps', limit: 10, ...use, others: ', 5 held by r (5)' }),
  )
  expect(guardIn(error)).toMatchObject({ name: 'steps', limit: 10, ...use })
  const alone = guardIn(storeError(failure('budget.exceeded', { budget: 'steps', limit: 10, used: 10, others: '' })))
  expect(alone).toMatchObject({ name: 'steps', used: 10 })
  expect(alone).not.toHaveProperty('held')
  expect(alone).not.toHaveProperty('by')
})

it('The guard of a child run is named once, with its detail, however many runs it passes.', () => {
  const tripped = (detail: string) =>
    storeError(failure('guard.tripped', { guard: 'depth', limit: 1, used: 1, detail }))
  expect(guardIn(tripped(': The depth budget is exhausted.'))).toEqual({
    ...{ name: 'depth', limit: 1, used: 1, detail: 'The depth budget is exhausted.' },
  })
  expect(guardIn(tripped(', 5 held by r (5)'))).toEqual({ name: 'depth', limit: 1, used: 1 })
})
