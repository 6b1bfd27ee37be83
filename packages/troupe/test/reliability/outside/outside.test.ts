/** A fraction of each program, with a fixed seed; `npm run reliability:outside` runs them in full. */
import { expect, it } from 'vitest'
import { programs } from './programs.ts'

it.each(programs)('$promise', { timeout: 240_000 }, async ({ run }) => {
  expect(await run({ scale: 1, seed: 'ci', report: () => {} })).toEqual([])
})
