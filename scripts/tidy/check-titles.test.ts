import { expect, test } from 'vitest'
import { problemOfSuite, problemOfTest } from './check-titles.ts'
import { findingsWith } from './planted-tree.ts'

const words = (count: number) => Array.from({ length: count }, (_, i) => `word${i}`).join(' ')

test.each([
  'is retried after a crash.',
  'Is retried after a crash.',
  'that a step fails.',
  'Of two runs one ends.',
  'are retried after a crash.',
  'With a budget, the run ends.',
  'When a process dies, the run continues.',
  'a step is retried after a crash.',
  'A step is retried after a crash',
  'A run ends.',
  `A run has ${words(38)}.`,
  'The second step of a run.',
])('The title of a test with a violation is a finding: %s.', (title) => {
  const text = `import { test } from 'vitest'\ntest('${title}', () => {})\n`
  expect(problemOfTest(title)).toEqual(expect.any(String))
  expect(findingsWith({ 'packages/troupe/src/runs/run.test.ts': text })).toEqual([
    'packages/troupe/src/runs/run.test.ts title',
  ])
})

test.each([
  'A step is retried after a crash.',
  'Two runs end in one process.',
  '`fork` copies the journal of a run.',
  'createTroupe rejects an unknown setting.',
  'ctx.commit stores the state of a step.',
  '$name is rejected with its value.',
  '%s rejects an unknown option.',
  '503 tells the caller when to retry.',
  '$name',
  '%s',
  `A run has ${words(37)}.`,
])('A sentence or a single value is allowed as the title of a test: %s.', (title) => {
  expect(problemOfTest(title)).toBeUndefined()
})

test.each([
  'what fails',
  'on PostgreSQL',
  'that fails',
  'of a run',
  'is retried',
  'a run.',
  'a step that is run twice',
])('The title of a suite that names no component is a finding: %s.', (title) => {
  const text = `import { describe } from 'vitest'\ndescribe('${title}', () => {})\n`
  expect(problemOfSuite(title)).toEqual(expect.any(String))
  expect(findingsWith({ 'packages/troupe/test/run.test.ts': text })).toEqual(['packages/troupe/test/run.test.ts title'])
})

test.each(['a run', 'the budget of a run', 'GET /v1/runs', '%s'])(
  'The title of a suite names a component: %s.',
  (title) => {
    expect(problemOfSuite(title)).toBeUndefined()
  },
)

test('Titles of all ways to declare a test are checked.', () => {
  const text = ["it('a')", "test.skipIf(true)('a')", "test.each([1])('a')", "test.each`a`('a')", "testOnPostgres('a')"]
    .map((call) => call.replace(/\)$/, ', () => {})'))
    .join('\n')
  expect(findingsWith({ 'scripts/a.test.ts': `${text}\n` })).toEqual(Array(5).fill('scripts/a.test.ts title'))
})

test('A source that is not a test has no titles.', () => {
  expect(findingsWith({ 'scripts/a.ts': "test('a', () => {})\n" })).toEqual([])
})
