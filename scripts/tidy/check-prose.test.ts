import { expect, test } from 'vitest'
import { checkPage } from './check-prose.ts'
import { findingsWith } from './planted-tree.ts'

const words = (count: number) => Array.from({ length: count }, (_, i) => `word${i}`).join(' ')

test.each([
  'Nobody reads it.',
  'It goes to whoever asks.',
  'It waits for somebody.',
  'It is for everybody.',
  'The user whom it names is asked.',
  'It is no failure.',
  '## Of runs',
  '## That fail',
  '## Are retried',
  '## Is open',
  `A sentence has ${words(36)}.`,
])('A page of the documentation with a violation is a finding: %s.', (text) => {
  expect(findingsWith({ 'docs/page.md': `# Page\n\n${text}\n` })).toEqual(['docs/page.md prose'])
  expect(checkPage('docs/page.md', `# Page\n\n${text}\n`)).toMatchObject([{ line: 3, rule: 'prose' }])
})

test.each([
  'No caller reads it.',
  'It is no longer open.',
  '```text\nnobody\n```',
  'The option `nobody` is code.',
  '<!-- written by whoever -->',
  '| a promise | `a.test.ts` › nobody reads it |',
  '## Offline',
  '## Isolation',
  `A list: ${words(20)}; ${words(20)}.`,
  `- ${words(20)}\n- ${words(20)}`,
  `${words(20)}.\n${words(20)}.`,
])('Ordinary prose, code and titles of tests are allowed: %s.', (text) => {
  expect(checkPage('docs/page.md', `# Page\n\n${text}\n`)).toEqual([])
})

test('A decision and a page of a template are not pages of the documentation.', () => {
  const planted = {
    'docs/decisions/0001-a.md': '# A\n\nNobody.\n',
    'packages/troupe/templates/a/README.md': 'Nobody.\n',
  }
  expect(findingsWith(planted)).toEqual([])
})

test('A finding names the line, the word and the replacement.', () => {
  const message = "'nobody': name what is absent: 'no caller', 'no process', 'no agent'"
  expect(checkPage('docs/page.md', '# Page\n\n```ts\na\n```\n\nA turn\nthat nobody reads.\n')).toEqual([
    { path: 'docs/page.md', line: 8, rule: 'prose', message },
  ])
})
