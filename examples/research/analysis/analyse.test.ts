import { describe, expect, it } from 'vitest'
import type { Claim } from '../team/shapes.ts'
import { analyse } from './analyse.ts'
import { findContradictions } from './find-contradictions.ts'
import { rankFindings } from './rank-findings.ts'
import { statementOf } from './statement.ts'

const claimOf = (quote: string, file = 'a.md', line = 1): Claim => ({ claim: quote, quote, file, line, heading: null })
const quotes = (findings: readonly { readonly quote: string }[]) => findings.map(({ quote }) => quote)

describe('ranking findings', () => {
  it('puts first what holds most of what was asked', () => {
    const ranked = rankFindings('How are retries limited?', [
      claimOf('Retries are made after a failure of the network.'),
      claimOf('The number of retries is limited to three in all cases.'),
    ])
    expect(quotes(ranked)[0]).toBe('The number of retries is limited to three in all cases.')
  })

  it('keeps one of what says the same, with the other places', () => {
    const [first, ...more] = rankFindings('How are retries limited?', [
      claimOf('The number of retries is limited to three.', 'a.md', 4),
      claimOf('The number of retries is always limited to three.', 'b.md', 9),
    ])
    expect(more).toEqual([])
    expect(first?.support).toEqual([
      { quote: 'The number of retries is always limited to three.', file: 'b.md', line: 9 },
    ])
  })

  it('leaves out lines that lead on, lists of links, and what is far weaker than the best', () => {
    const ranked = rankFindings('How are retries limited?', [
      claimOf('The number of retries is limited to three.'),
      claimOf('Retries can be limited with these options:'),
      claimOf('[retry](https://example.com) - Limited retries for promises'),
      claimOf('The weather in the mountains was very fine that day.'),
    ])
    expect(quotes(ranked)).toEqual(['The number of retries is limited to three.'])
  })
})

describe('the analysis', () => {
  it('names two findings that differ in a number, and two of which one denies', () => {
    const pairs = findContradictions(
      [
        claimOf('The default queue limit of the server is 10 jobs.'),
        claimOf('The default queue limit of the server is 20 jobs.', 'b.md'),
        claimOf('The cache keeps stale answers of the provider after a restart.', 'c.md'),
        claimOf('The cache never keeps stale answers of the provider after a restart.', 'd.md'),
      ].map(statementOf),
    )
    expect(pairs.map(({ why, first, second }) => [why, first.file, second.file])).toEqual([
      ['One says 10, the other 20.', 'a.md', 'b.md'],
      ['One denies what the other says.', 'c.md', 'd.md'],
    ])
  })

  it('does not merge what contradicts each other', () => {
    const limits = [
      claimOf('The default queue limit is 10 jobs.'),
      claimOf('The default queue limit is 20 jobs.', 'b.md'),
    ]
    const analysis = analyse([
      { number: 1, question: 'What is the default queue limit?', findings: limits, not_found: [] },
    ])
    expect(analysis.sections[0]?.findings).toHaveLength(2)
    expect(analysis.contradictions).toHaveLength(1)
  })

  it('puts each passage into the section that it answers best', () => {
    const shared = claimOf('The cache of responses is cleared every hour.')
    const analysis = analyse([
      { number: 1, question: 'How are errors of the cache logged?', findings: [shared], not_found: [] },
      { number: 2, question: 'When is the cache of responses cleared?', findings: [shared], not_found: [] },
    ])
    expect(analysis.sections.map(({ findings }) => findings.length)).toEqual([0, 1])
  })

  it('names sub-questions without an answer, and words that no finding holds', () => {
    const analysis = analyse([
      { number: 1, question: 'Who wrote it?', findings: [], not_found: ['Who wrote it?'] },
      {
        number: 2,
        question: 'When do zeppelins land?',
        findings: [claimOf('The airships land at dusk, when the wind drops.')],
        not_found: [],
      },
    ])
    expect(analysis.gaps).toEqual([
      { number: 1, what: 'Who wrote it?' },
      { number: 2, what: 'no passage found for this speaks of “zeppelins”' },
    ])
  })
})
