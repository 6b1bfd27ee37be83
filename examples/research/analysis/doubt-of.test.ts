import { expect, it } from 'vitest'
import { doubtOf } from './doubt-of.ts'

const of = (claim: string, quote: string, heading: string | null = null, named = heading) =>
  doubtOf({ claim, quote, file: 'a.md', line: 1, heading }, named)

it('A claim of a report with a number that its quotation lacks is in doubt.', () => {
  expect(of('The budget is 30,000 euros.', 'The budget is 32,000 euros.')).toBe('The quotation does not hold “30000”.')
  expect(of('The budget is 32000 euros.', 'The budget is 32,000 euros.')).toBeUndefined()
})

it('A claim of a report whose words its quotation lacks is in doubt, a quotation of its own words is not.', () => {
  expect(of('The server encrypts all traffic.', 'Tea is served at noon.')).toMatch(/few words/)
  expect(of('Returns take two weeks.', 'You have two weeks.', 'How long do returns take?')).toBeUndefined()
  expect(of('Tea.', 'Tea.')).toBeUndefined()
})

it('A claim of a report under a heading that its passage does not stand under is in doubt, one of several headings is not.', () => {
  const claim = (named: string, heading: string | null) =>
    of('Tea is served.', 'Tea is served at noon.', heading, named)
  expect(claim('Security', 'Guide > Tea room')).toBe('The passage does not stand under “Security”.')
  expect(claim('Security', null)).toBe('The passage does not stand under “Security”.')
  expect(claim('tea  room', 'Guide > Tea room')).toBeUndefined()
  expect(claim('', null)).toBeUndefined()
})
