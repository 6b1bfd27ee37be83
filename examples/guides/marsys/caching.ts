/** Repeated questions use a cache: an answer of a model for an hour, and a whole run by its task and team. */
import { createTroupe, LlmAgent, patterns, type User } from 'troupe'
import { MockModel } from 'troupe/testing'

const model = new MockModel({ responses: ['Teapots are for tea.', 'Mugs are for coffee.'] })
const writer = new LlmAgent({ name: 'Writer', instructions: 'You explain.', model, settings: { cache: true } })
const topology = patterns.pipeline({ stages: [{ agents: [writer] }] })

/** Returns the response of one run for each task; concurrent callers share the run. */
const cachedRun = (ada: User, task: string) =>
  ada.cached(async () => (await ada.orchestra.run({ task, topology })).response, { key: ['report', task], ttl: '1h' })

export async function main() {
  await using troupe = await createTroupe({ storage: 'memory:' })
  const ada = troupe.user('ada')
  const answers = [
    await ada.session(writer).chat('What are teapots for?'),
    await ada.session(writer).chat('What are teapots for?'),
  ]
  const runs = await Promise.all([1, 2, 3].map(() => cachedRun(ada, 'What are mugs for?')))
  return { answers: new Set(answers).size, runs, asked: model.calls.length }
}

if (import.meta.main) console.log(await main())
