import { expect, test } from 'vitest'
import { queues } from './read-payload.ts'
import { SeenHints } from './seen-hints.ts'

const works = queues.map((work) => ({ work }))

test('A poll of PostgreSQL announces new wake-ups twice, and the first poll announces none.', () => {
  const seen = new SeenHints()
  const poll = (wakes: number) => seen.newsOf({ wakes, at: 20_000, users: [], isClockSet: false })
  expect([poll(1), poll(1), poll(1), poll(2), poll(2), poll(2)]).toEqual([[], works, [], works, works, []])
  expect(seen.since).toBe(5_000)
  seen.repeat()
  expect([poll(2), poll(2)]).toEqual([works, []])
})

test('A revision of a user is announced once, unless a hint brought it before the poll.', () => {
  const seen = new SeenHints()
  const poll = (revision: number) =>
    seen.newsOf({ wakes: 0, at: 0, users: [{ user: 'ada', revision }], isClockSet: false })
  poll(1)
  seen.newsOf({ wakes: 0, at: 0, users: [], isClockSet: false })
  expect([poll(2), poll(2)]).toEqual([[{ user: 'ada', revision: 2 }], []])
  expect(seen.isRaisedBy({ user: 'ada', revision: 3 })).toBe(true)
  expect(poll(3)).toEqual([])
})

test('A poll of PostgreSQL announces all queues if a clock was set.', () => {
  const seen = new SeenHints()
  const poll = (isClockSet: boolean) => seen.newsOf({ wakes: 1, at: 20_000, users: [], isClockSet })
  poll(false)
  poll(false)
  expect([poll(false), poll(true), poll(false)]).toEqual([[], works, []])
})
