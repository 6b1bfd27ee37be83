/** A fraction of each program, with a fixed seed; `npm run reliability:outside` runs them in full. */
import { expect, it } from 'vitest'
import { programs } from './programs.ts'

it.for(programs)('$promise', { timeout: 240_000 }, async ({ run }, { skip }) => {
  const result = await run({ scale: 1, seed: 'ci', report: () => {} })
  if ('skipped' in result) skip(result.skipped)
  expect(result).toEqual([])
})
