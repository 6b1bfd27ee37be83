import { expect, it } from 'vitest'
import { main as buy } from './browser.ts'
import { main as reviewCode } from './code-review.ts'
import { main as operate } from './computer.ts'
import { main as converse } from './long-thread.ts'
import { main as help } from './support.ts'
import { main as speak } from './voice.ts'

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

it('An operator of a computer sees each screen as an image, and a replay clicks nothing.', async () => {
  expect(await operate()).toEqual({
    answer: 'The light is on.',
    actions: [{ type: 'click', x: 40, y: 12 }],
    images: 2,
    identical: true,
  })
})

it('A user of a browser reads pages, and sends a form once.', async () => {
  expect(await buy()).toEqual({ answer: 'Three tins are ordered.', lastPage: true, identical: true })
})

it('A team with voice is spoken to and speaks, and a replay asks its service nothing.', async () => {
  expect(await speak()).toEqual({
    spoken: 'Until six.',
    mediaType: 'audio/wav',
    calls: ['transcribe', 'speak'],
    identical: true,
  })
})
