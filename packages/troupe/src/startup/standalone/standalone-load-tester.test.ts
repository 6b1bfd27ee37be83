import { expect, it } from 'vitest'
import { LoadTester } from './standalone-load-tester.ts'

it('needs no more than what it puts load on', async () => {
  const report = await new LoadTester(async () => 'ok').run({ concurrent: 2, total: 6 })
  expect(report).toMatchObject({ totalRequests: 6, successfulRequests: 6, successRate: 1 })
})
