/**
 * A process with a run that executes code twice. The second run of code kills its process while `TROUPE_KILLS` is set, after
 * the code was executed and before its outcome is recorded.
 *
 * node sandbox-child.ts DATABASE LEDGER: each execution is a line of the ledger; the result and the files are printed.
 */
import { appendFileSync, writeSync } from 'node:fs'
import { createTroupe, defineAgent } from '../../src/index.ts'
import { quickJsSandbox, type SandboxEngine } from '../../src/sandbox.ts'

const [database = '', ledger = ''] = process.argv.slice(2)
const quickJs = quickJsSandbox()
const engine: SandboxEngine = {
  ...quickJs,
  run: async (request) => {
    const output = await quickJs.run(request)
    appendFileSync(ledger, `${request.files.size}\n`)
    if (process.env.TROUPE_KILLS && request.files.size > 0) process.kill(process.pid, 'SIGKILL')
    return output
  },
}
const coder = defineAgent({
  name: 'Coder',
  run: async (_, { sandbox, commit }) => {
    const first = await sandbox.run({ code: "files.write('a.txt', 'one'); console.log('first')" })
    await commit()
    const second = await sandbox.run({
      code: "files.write('a.txt', files.read('a.txt') + ' two'); console.log('second')",
    })
    return [first.stdout, second.stdout, await sandbox.files.read('a.txt'), await sandbox.files.list()] as never
  },
})
const troupe = await createTroupe({
  storage: `sqlite:${database}`,
  agents: [coder],
  sandbox: { engines: [engine] },
  log: 'silent',
})
const { orchestra } = troupe.user('ada')
const topology = { agents: [coder], flows: ['Start -> Coder', 'Coder -> End'] }
const run = await orchestra.start({ id: 'r', task: 't', topology })
const { status, response } = await run.result()
const { identical } = await orchestra.verifyReplay('r')
writeSync(1, JSON.stringify({ status, response, identical }))
await troupe.close()
