/**
 * A process that carries the team's run as far as it gets: it may be told to die before or after a commit.
 *
 * node run-child.ts DATABASE LEDGER; TROUPE_DIE_AT: the moment of its death, two for each commit: before it is given to
 * the writer, and when it is durable and nobody has been told. TROUPE_JUDGE: looks at what is there in the end.
 */
import { appendFileSync, existsSync, readFileSync, writeSync } from 'node:fs'
import { harness } from '../reliability/library-under-test.ts'
import { createTeam, judgeRun } from '../reliability/reliability-team.ts'
import { troupe } from '../reliability/troupe-under-test.ts'

const [database = '', ledger = ''] = process.argv.slice(2)
const dieAt = Number(process.env.TROUPE_DIE_AT ?? Number.POSITIVE_INFINITY)
const print = (line: string) => writeSync(1, `${line}\n`)
const lines = () => (existsSync(ledger) ? readFileSync(ledger, 'utf8').split('\n').filter(Boolean) : [])

let killPoint = 0
const deadly = {
  ...harness.systemClock,
  after(_: number, run: () => void) {
    if (killPoint++ === dieAt) process.kill(process.pid, 'SIGKILL')
    queueMicrotask(run)
    return () => {}
  },
}
const faults = { clock: deadly, random: harness.seededRandom('no fault'), delayMs: 1 }

const { agents, names, spec } = createTeam({
  happen: (key) => appendFileSync(ledger, `${key}\n`),
  has: (key) => lines().includes(key),
})
try {
  const service = await troupe.createTroupe({ storage: `sqlite:${database}`, agents, faults, log: 'silent' })
  const ada = service.user('ada')
  const run = await ada.orchestra.start(spec)
  print('started')
  const reading = (async () => {
    for await (const { seq, type, at } of run.events()) print(`event ${seq} ${type} ${at}`)
  })()
  for (let pushed = 0, over = false; !over; pushed++) {
    const { version } = await ada.context.push('acknowledged', pushed)
    print(`ack ${version}`)
    const result = await run.result()
    for (const { id } of result.questions)
      await run.answer(id, 'yes').catch((error: { readonly code?: string }) => {
        if (error.code !== 'question.answered' && error.code !== 'question.unknown') throw error
      })
    over = result.status !== 'waiting' || result.questions.length === 0
  }
  await reading
  print('over')
  if (process.env.TROUPE_JUDGE) {
    const problems = await judgeRun(service, names, lines())
    print(`standing ${(await ada.context.getEntry('acknowledged'))?.version ?? 0}`)
    print(`judged ${JSON.stringify(problems)}`)
  }
  await service.close()
  print(`moments ${killPoint}`)
} catch (error) {
  const { code, message } = error as { readonly code?: string; readonly message: string }
  print(`error ${code ?? ''} ${message}`)
  process.exitCode = 2
}
