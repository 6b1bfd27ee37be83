import { describe, expect, it } from 'vitest'
import { type Json, type Random, seededRandom } from '../../core/index.ts'
import { createRepetitionGuard } from './repetition-guard.ts'

/** What an agent called, and was told. */
type Call = readonly [tool: string, args: Json, result: Json]

const upTo = ({ next }: Random, max: number) => 1 + Math.floor(next() * max)
const times = <T>(n: number, make: (i: number) => T): T[] => Array.from({ length: n }, (_, i) => make(i))

/** Polls and retries as agents make them, each with its end. */
const legitimate: readonly ((random: Random) => readonly Call[])[] = [
  // A job that says how far it is.
  (random) => times(upTo(random, 40), (i) => ['job', { id: 7 }, { state: 'running', percent: i }]),
  // One that says a state, a few times the same.
  (random) =>
    ['queued', 'starting', 'running', 'finishing', 'done'].flatMap((state) =>
      times(upTo(random, 4), (): Call => ['job', { id: 7 }, { state }]),
    ),
  // A service that is down for a few attempts.
  (random) => [...times(upTo(random, 4), (): Call => ['fetch', {}, { error: '503' }]), ['fetch', {}, 'the page']],
  // A build that is looked at between other work.
  (random) =>
    times(upTo(random, 20), (i) => i).flatMap((i): Call[] => [
      ['build', {}, { state: 'running' }],
      ['read', { file: `${i}.ts` }, `text ${random.next()}`],
    ]),
  // Edit and test until it passes.
  (random) =>
    times(upTo(random, 15), (i) => i).flatMap((i): Call[] => [
      ['test', {}, { failed: 1 }],
      ['edit', { line: i }, 'ok'],
    ]),
  // Page after page.
  (random) => times(upTo(random, 50), (i) => ['list', { cursor: i }, i < 40 ? { items: [] } : { items: [i] }]),
  // A clock, a price, a queue: never the same twice.
  (random) => times(upTo(random, 50), () => ['price', { of: 'x' }, random.next()]),
]

const stopped = (calls: readonly Call[]) => {
  const guard = createRepetitionGuard()
  return calls.some(([tool, args, result]) => guard('A', tool, args, result).verdict === 'stop')
}

describe('the guard of repetition', () => {
  it('The guard of repetition stops none of 200 legitimate polls and retries.', () => {
    const random = seededRandom('polls')
    const polls = times(200, (i) => legitimate[i % legitimate.length]?.(random) ?? [])
    expect(polls.filter(stopped)).toEqual([])
  })

  it('The guard of repetition stops 200 of 200 loops without progress at the fifth time.', () => {
    const random = seededRandom('loops')
    for (let i = 0; i < 200; i++) {
      const round = times(upTo(random, 4), (n): Call => [`tool ${n}`, { n }, pickOne(random)])
      const calls = times(5, () => round).flat()
      expect(stopped(calls)).toBe(true)
      expect(stopped(calls.slice(0, 4 * round.length))).toBe(false)
    }
  })

  it('The guard of repetition warns before it stops, and separates agents, tools and arguments.', () => {
    const guard = createRepetitionGuard()
    const verdicts = times(5, () => guard('A', 'look', { q: 1, r: 2 }, 'same'))
    expect(verdicts.map(({ verdict }) => verdict)).toEqual(['go', 'go', 'nudge', 'nudge', 'stop'])
    expect(verdicts.at(-1)).toMatchObject({ used: 5, limit: 5 })
    expect(guard('B', 'look', { q: 1, r: 2 }, 'same').verdict).toBe('go')
    expect(guard('A', 'look', { q: 2 }, 'same').verdict).toBe('go')
  })
})

const pickOne = (random: Random): Json => (random.next() < 0.5 ? 'nothing' : { error: 'no' })
