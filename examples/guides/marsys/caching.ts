/** The same is not asked twice: an answer of a model for an hour, a whole run by the id that names its task. */
import { createHash } from 'node:crypto'
import { createTroupe, LlmAgent, type Orchestra, patterns } from 'troupe'
import { MockModel } from 'troupe/testing'

const model = new MockModel({ responses: ['Teapots are for tea.', 'Mugs are for coffee.'] })
const writer = new LlmAgent({ name: 'Writer', instructions: 'You explain.', model, settings: { cache: true } })
const topology = patterns.pipeline({ stages: [{ agents: [writer] }] })

/** One run for one task and team: who asks again, or at the same time, gets that run. */
const cachedRun = async (orchestra: Orchestra, task: string) => {
  const key = createHash('sha256')
    .update(JSON.stringify([task, topology]))
    .digest('hex')
  const run = await orchestra.start({ id: key, task, topology })
  return (await run.result()).response
}

export async function main() {
  await using troupe = await createTroupe({ storage: 'memory:' })
  const ada = troupe.user('ada')
  const answers = [
    await ada.session(writer).chat('What are teapots for?'),
    await ada.session(writer).chat('What are teapots for?'),
  ]
  const runs = await Promise.all([1, 2, 3].map(() => cachedRun(ada.orchestra, 'What are mugs for?')))
  return { answers: new Set(answers).size, runs, asked: model.calls.length }
}

if (import.meta.main) console.log(await main())
