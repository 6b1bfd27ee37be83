/** The state of runs is in the database by itself: a process that ends leaves its runs to the next one. */
import { mkdtempDisposable } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createTroupe, defineAgent, patterns } from 'troupe'

let prepared = 0
const publisher = defineAgent({
  name: 'Publisher',
  run: async (title: string, ctx) => {
    const draft = await ctx.effect('prepare', { class: 'at-most-once' }, () => `${title}, draft ${++prepared}`)
    const yes = await ctx.ask({ kind: 'confirmation', text: `Publish "${draft}"?` })
    return yes ? `published ${draft}` : 'put aside'
  },
})
const topology = patterns.pipeline({ stages: [{ agents: [publisher] }] })

export async function main() {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'troupe-guide-'))
  // Several processes at once need PostgreSQL: `storage: 'postgres://…'`, and nothing else changes.
  const storage = `sqlite:${join(folder.path, 'troupe.db')}`
  const first = await createTroupe({ storage })
  const started = await first.user('ada').orchestra.start({ id: 'session-17', task: 'News', topology })
  const { status } = await started.result()
  await first.close()

  await using second = await createTroupe({ storage, agents: [publisher] })
  const run = await second.user('ada').orchestra.get('session-17')
  const [question] = (await run.result()).questions
  if (question) await run.answer(question.id, true)
  const { response } = await run.result()
  return { status, question: question?.text, response, prepared }
}

if (import.meta.main) console.log(await main())
