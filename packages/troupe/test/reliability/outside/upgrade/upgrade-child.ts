/**
 * A process with one version of the team's code. It writes what happens as lines of JSON, and starts the run that it is
 * told to: `node upgrade-child.ts STORAGE FOLDER CODE [RUN]`. Codes: `first`, `second` (the writer does other things in
 * another order), `helper` (without the writer).
 */
import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createTroupe, defineAgent, patterns } from 'troupe'

const [storage = '', folder = '', code = '', run = ''] = process.argv.slice(2)
const happen = (what: string) => appendFileSync(join(folder, 'effects'), `${what}\n`)

const Writer = defineAgent<string, string>({
  name: 'Writer',
  run: async (task, ctx) => {
    const names = code === 'first' ? ['order', 'pay'] : ['check', 'order', 'pay']
    for (const name of names)
      await ctx.effect(name, { class: 'at-most-once' }, async () => {
        happen(`${task} ${name}`)
        return name
      })
    await ctx.context.push(`${task}.${code}`, names)
    // Here the first process is killed: two effects are recorded, and the turn is not committed.
    await ctx.effect('slow', { class: 'idempotent' }, async () => {
      if (run !== '') await sleep(60_000)
      return 'slow'
    })
    return String(await ctx.ask({ text: `What about ${task}?` }))
  },
})
const Helper = defineAgent<string, string>({ name: 'Helper', run: async (answer) => `${answer} by ${code}` })
const topology = patterns.pipeline({ stages: [{ agents: [Writer] }, { agents: [Helper] }] })
const troupe = await createTroupe({
  storage: JSON.parse(storage),
  agents: code === 'helper' ? [Helper] : [Writer, Helper],
  log: 'silent',
  ...(storage.includes('postgres') ? { lease: '1s' as const } : {}),
})
const { orchestra } = troupe.user('ada')
if (run !== '') await orchestra.start({ id: run, task: run, topology })
/** What a run waits for is checked with the code that is here when its result is asked for. */
async function carryOut(what: string, id: string, value: string): Promise<object> {
  if (what === 'close') {
    await troupe.close()
    return {}
  }
  const run = await orchestra.get(id)
  if (what === 'replay') return { identical: (await orchestra.verifyReplay(id)).identical }
  const { status, reason = '', questions } = await run.result()
  if (what !== 'answer') return { status: `${status} ${reason}`.trim() }
  await run.answer(questions[0]?.id ?? '', value)
  return { response: (await run.result()).response }
}
process.on('message', ({ what, id, value }: { what: string; id: string; value: string }) => {
  carryOut(what, id, value).then(
    (answer) => process.send?.(answer),
    (error: { code?: string }) => process.send?.({ error: error.code ?? String(error) }),
  )
})
process.on('disconnect', () => process.exit())
process.send?.({})
