/**
 * A process with a run whose model reads skills of a folder and executes a script of one, and then with a second run.
 *
 * node skills-child.ts DATABASE LEDGER: the folder of the skills is LEDGER-skills. What both runs return is printed.
 * TROUPE_KILLS: the call of the model in which the first run kills its process.
 */
import { writeSync } from 'node:fs'
import { createTroupe, LlmAgent } from 'troupe'
import { MockModel } from 'troupe/testing'
import { sandboxTools } from 'troupe/tools'

const [database = '', ledger = ''] = process.argv.slice(2)
const code = "import { unit } from './skills/edited/unit.js'; console.log(unit)"
const turns = [
  { name: 'read_skill', args: { name: 'edited' } },
  { name: 'run_code', args: { code } },
  { name: 'read_skill', args: { name: 'removed' } },
]
const reply = ({ prompt }: { readonly prompt: readonly { readonly role: string; readonly content: unknown }[] }) => {
  const turn = prompt.filter(({ role }) => role === 'assistant').length
  if (process.env.TROUPE_KILLS === `${turn}`) process.kill(process.pid, 'SIGKILL')
  const next = turns[turn]
  if (next) return { toolCalls: [next] }
  const texts = JSON.stringify(prompt)
  const find = (pattern: RegExp) => pattern.exec(texts)?.[1] ?? null
  return JSON.stringify({
    listed: [...texts.matchAll(/- (\w+): (\w+) description/g)].map(([, name, age]) => `${age} ${name}`),
    instructions: find(/(\w+) instructions of edited/),
    unit: find(/(\w+) unit/),
    removed: find(/(\w+ instructions of removed|was removed after)/),
  })
}
const agent = new LlmAgent({
  name: 'Clerk',
  model: new MockModel({ responses: Array.from({ length: 20 }, () => reply) }),
  skills: [`${ledger}-skills`],
  tools: [...sandboxTools()],
})
await using troupe = await createTroupe({ storage: `sqlite:${database}`, agents: [agent], log: 'silent' })
const { orchestra } = troupe.user('ada')
const runs = []
for (const id of ['first', 'second']) {
  const { status, reason, response } = await (await orchestra.start({ id, task: 't', agent: 'Clerk' })).result()
  const replayed = status === 'completed' && (await orchestra.verifyReplay(id)).identical
  const sent = replayed ? (await orchestra.prompts(id, '1#1')).length : 0
  runs.push({ status, reason, replayed, sent, response: response && JSON.parse(String(response)) })
}
writeSync(1, JSON.stringify(runs))
