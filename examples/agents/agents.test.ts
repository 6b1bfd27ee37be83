import { expect, it } from 'vitest'
import { main as reviewCode } from './code-review.ts'
import { main as converse } from './long-thread.ts'
import { main as help } from './support.ts'

it('A team of an author and a reviewer mends code until its tests pass, and replays.', async () => {
  expect(await reviewCode()).toMatchObject({
    status: 'completed',
    reviews: ['median of 3,9,4,17 is 9, not 6.5', 'pass'],
    identical: true,
  })
})

it('A support desk sees the screenshot of a tool, and refunds what a person approved.', async () => {
  expect(await help()).toEqual({
    asked: { tool: 'refund', args: { order: 17, amount: 12.5 }, refundsBefore: 0 },
    answer: 'Order 17 was lost on its way. 12.50 are on the way back to you.',
    refunds: [{ order: 17, amount: 12.5 }],
  })
})

it('A conversation of sixty turns is answered from its summaries, with a prompt that stays small.', async () => {
  expect(await converse()).toMatchObject({ answer: 'The heaviest has 60 kg.' })
})
