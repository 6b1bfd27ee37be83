/** 200 requests, 20 at once: over 95 % succeed, in less than 2 seconds on average. */
import { createTroupe, LlmAgent } from 'troupe'
import { LoadTester } from 'troupe/resilience'
import { MockModel } from 'troupe/testing'

export async function main() {
  await using troupe = await createTroupe({ storage: 'memory:', log: 'silent' })
  let asked = 0
  const model = new MockModel({
    responses: [
      { match: () => ++asked % 50 === 0, error: new Error('one in fifty') },
      { match: () => true, text: 'Answer.' },
    ],
  })
  const agent = new LlmAgent({ name: 'LoadTestAgent', model })
  const ada = troupe.user('ada')
  // A thread each: calls of one thread wait for each other.
  const tester = new LoadTester((request) => ada.session(agent).chat(`Test request ${request}`))
  return await tester.run({ concurrent: 20, total: 200, thresholds: { successRate: 0.95, averageResponseTime: 2_000 } })
}

if (import.meta.main) console.log(await main())
