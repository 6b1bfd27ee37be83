/** Whoever wants to know is told what happens; an observer that throws or dawdles touches nobody, and may leave at any time. */
import { createTroupe, LlmAgent } from 'troupe'
import { MockModel } from 'troupe/testing'

export async function main() {
  await using troupe = await createTroupe({ storage: 'memory:', log: 'silent' })
  const logged: string[] = []
  const counts: Record<string, number> = {}
  const stopLogging = troupe.on('model.*', (event) => {
    logged.push(`${event.type} ${event.model}`)
  })
  troupe.on('*', ({ type }) => {
    counts[type] = (counts[type] ?? 0) + 1
  })
  troupe.on('*', () => {
    throw new Error('an observer of poor quality')
  })
  const model = new MockModel({ responses: ['one', 'two'] })
  const session = troupe.user('ada').session(new LlmAgent({ name: 'Observed', model }))
  const first = await session.chat('a')
  stopLogging()
  const second = await session.chat('b')
  return { answers: [first, second], logged, calls: counts['model.called'] }
}

if (import.meta.main) console.log(await main())
