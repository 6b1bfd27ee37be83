/** Answers of models are kept per user for an hour, at most 1,000; computations of one's own are kept alike. */
import { createTroupe, LlmAgent, type User } from 'troupe'
import { createVirtualClock, MockModel } from 'troupe/testing'

/** `lru_cache` of the guide, for each user; several who ask at once wait for one computation. */
export const memoized =
  <Out>(user: User, name: string, compute: (input: string) => Promise<Out>) =>
  (input: string) =>
    user.cached(() => compute(input), { key: [name, input], ttl: '1h' })

export async function main() {
  const clock = createVirtualClock()
  await using troupe = await createTroupe({
    storage: 'memory:',
    log: 'silent',
    clock,
    models: { cache: { max: 1_000, ttl: '1h' } },
  })
  const model = new MockModel({ responses: ['first', 'of another user', 'fresh'] })
  const agent = new LlmAgent({ name: 'Cached', model, settings: { cache: true } })
  const ask = (user: string) => troupe.user(user).session(agent).chat('What is the rate?')
  const answers = [await ask('ada'), await ask('ada'), await ask('bob')]
  await clock.advance('61m')
  answers.push(await ask('ada'))

  let computed = 0
  const expensive = memoized(troupe.user('ada'), 'expensive', async (input) => `result ${++computed} for ${input}`)
  return {
    answers,
    asked: model.calls.length,
    results: [...(await Promise.all([expensive('a'), expensive('a')])), await expensive('a')],
  }
}

if (import.meta.main) console.log(await main())
