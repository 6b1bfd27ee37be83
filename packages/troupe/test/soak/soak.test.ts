/** The size for every day; `npm run reliability:soak` has the full one. */
import { expect, test } from 'vitest'
import { soak } from './soak.ts'

test('A soak of failing, slow and restarted workers in killed processes loses no message and repeats no effect.', async () => {
  const { problems, progress } = await soak({ messages: 2_000, workers: 20, producers: 2, everyMs: 250, kills: 2 })
  expect(problems.join('\n')).toBe('')
  expect(progress.at(-1)).toMatchObject({ incarnation: 2, count: 2_000 })
  expect(Math.max(...progress.map(({ failed }) => failed))).toBeGreaterThan(0)
})
