import { describe, expect, it } from 'vitest'
import type { Claim } from '../team/shapes.ts'
import { analyse } from './analyse.ts'
import { findContradictions } from './find-contradictions.ts'
import { groupFindings } from './group-findings.ts'

const claimOf = (quote: string, file = 'a.md', line = 1, heading: string | null = null): Claim => ({
  claim: quote,
  quote,
  file,
  line,
  heading,
})
const quotes = (findings: readonly { readonly quote: string }[]) => findings.map(({ quote }) => quote)

describe('grouping findings', () => {
  it('groupFindings preserves the order in which findings were found, short ones too.', () => {
    const found = ['Print is dropped.', 'Default: `0`', '| France | 6.90 |', 'The network fails seldom.']
    expect(quotes(groupFindings(found.map((quote) => claimOf(quote))))).toEqual(found)
  })

  it('groupFindings merges findings that say the same, with all their places.', () => {
    const [first, ...more] = groupFindings([
      claimOf('The number of retries is limited to three.', 'a.md', 4),
      claimOf('The number of retries is always limited to three.', 'b.md', 9),
    ])
    expect(more).toEqual([])
    expect(first?.support).toEqual([
      { quote: 'The number of retries is always limited to three.', file: 'b.md', line: 9 },
    ])
  })
})

describe('the analysis', () => {
  it('The analysis names two findings that differ in a number, and two of which one denies the other.', () => {
    const pairs = findContradictions([
      claimOf('The default queue limit of the server is 10 jobs.'),
      claimOf('The default queue limit of the server is 20 jobs.', 'b.md'),
      claimOf('The cache keeps stale answers of the provider after a restart.', 'c.md'),
      claimOf('The cache never keeps stale answers of the provider after a restart.', 'd.md'),
    ])
    expect(pairs.map(({ why, first, second }) => [why, first.file, second.file])).toEqual([
      ['One says 10, the other 20.', 'a.md', 'b.md'],
      ['One denies what the other says.', 'c.md', 'd.md'],
    ])
  })

  it('The analysis names two answers to one question that give the same unit another number.', () => {
    const question = 'How long do I have to return something?'
    const answers = [
      claimOf('You have 14 days.', 'faq.md', 3, question),
      claimOf('Return anything that you do not like within 30 days.', 'policy.md', 8, 'How long returns take'),
    ]
    expect(findContradictions(answers, question).map(({ why }) => why)).toEqual(['One says 14, the other 30.'])
    const budget = [claimOf('The budget is 32,000 euros.', 'b.md'), claimOf('The share of print is 12,000 euros.')]
    expect(findContradictions(budget, 'What is the budget?')).toEqual([])
  })

  it('The analysis does not merge findings that contradict each other.', () => {
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

  it('The analysis lets one passage answer two sub-questions.', () => {
    const shared = claimOf('The launch is on 4 May, and the budget is 32,000 euros.')
    const analysis = analyse([
      { number: 1, question: 'When is the launch?', findings: [shared], not_found: [] },
      { number: 2, question: 'What is the budget?', findings: [shared], not_found: [] },
    ])
    expect(analysis.sections.map(({ findings }) => findings.length)).toEqual([1, 1])
    expect(analysis.gaps).toEqual([])
  })

  it('The analysis names sub-questions without an answer, and words that no finding contains.', () => {
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
