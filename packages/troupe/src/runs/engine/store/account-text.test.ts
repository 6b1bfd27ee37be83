import fc from 'fast-check'
import { expect, it } from 'vitest'
import { finishNow, type Json, longPart, systemClock } from '../../../core/index.ts'
import type { RunAccount } from '../../machine/run/run-account.ts'
import { accountTextInParts, readAccount, readAccountOutline } from './account-text.ts'

const outline = {
  status: 'completed',
  success: true,
  questions: [],
  totalSteps: 3,
  usage: { inputTokens: 5, outputTokens: 7 },
  cost: { usd: 0.25, unknown: ['a/b'] },
  durationMs: 12,
} as const
const branch = (value: Json) => ({ id: '1', agent: 'A', status: 'completed', success: true, value }) as const
const accountOf = (values: readonly Json[], response?: Json): RunAccount => ({
  ...outline,
  ...(response === undefined ? {} : { response }),
  branchResults: values.map(branch),
})
const textOf = (account: RunAccount) => finishNow(accountTextInParts(account))

it('The text of an account is read as the account was, with or without long values, also by JSON.parse.', async () => {
  const value = fc.oneof(
    fc.constantFrom<Json>(null, 'a\nb', 'x'.repeat(70_000), Array(30_000).fill(1.5), { a: '\n'.repeat(40_000) }),
    fc.jsonValue({ maxDepth: 2 }).map((plain) => JSON.parse(JSON.stringify(plain)) as Json),
  )
  const values = fc.array(value, { maxLength: 4 })
  await fc.assert(
    fc.asyncProperty(values, fc.option(value, { nil: undefined }), async (branches, response) => {
      const account = { ...accountOf(branches, response), reason: undefined } as unknown as RunAccount
      const text = textOf(account)
      const read = await readAccount(text, systemClock)
      expect(read).toEqual(account)
      expect(Object.keys(read)).toEqual(Object.keys(JSON.parse(JSON.stringify(account)) as object))
      expect(JSON.parse(text)).toEqual(account)
    }),
    { numRuns: 100 },
  )
})

it('The text of a long account is written with a turn for each long value, and its outline is read without them.', () => {
  const long = Array.from({ length: 20_000 }, (_, i) => `item ${i}`)
  const account = accountOf([long, 'short', long], long)
  const parts = accountTextInParts(account)
  let turns = 0
  let step = parts.next()
  for (; !step.done; step = parts.next()) if (step.value === longPart) turns++
  expect(turns).toBe(3)
  expect(step.value.split('\n').filter((line) => line.length > 1_000)).toHaveLength(3)
  expect(readAccountOutline(step.value)).toEqual({ ...outline, response: null, branchResults: [null, null, null] })
})

it('The text of a short account, or of one that an earlier release stored, is one line.', async () => {
  const account = accountOf(['done'], 'done')
  expect(textOf(account)).toBe(JSON.stringify(account))
  const earlier = accountOf(['x'.repeat(100_000)], 'y'.repeat(100_000))
  expect(await readAccount(JSON.stringify(earlier), systemClock)).toEqual(earlier)
  expect(readAccountOutline(JSON.stringify(earlier))).toMatchObject(outline)
})
