import { expect, it } from 'vitest'
import { checkGuideTable } from '../table.test.fixture.ts'

it('The sample of a debate has its turns, and then a judge.', async () => {
  const { main } = await import('./debate.ts')
  expect(await main()).toEqual({ response: 'Con had the last word of 4.', totalSteps: 11 })
})

it('The sample of an auction gives the highest bid the second price, or the reserve.', async () => {
  const { main } = await import('./auction.ts')
  expect(await main()).toEqual([
    { winner: 'Bob', price: 110 },
    { winner: 'Bob', price: 120 },
    { winner: null, price: 0 },
  ])
})

it('The sample of a contract net gives a task to the cheapest capable agent.', async () => {
  const { main } = await import('./contract-net.ts')
  expect(await main()).toEqual({
    done: { by: 'Fair', work: 'paint the house, done' },
    unanswered: 'Nobody can paint the moon.',
  })
})

checkGuideTable(import.meta.dirname, {})
