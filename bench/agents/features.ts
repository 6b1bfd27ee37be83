/**
 * The cost of features that an agent does not use. First the packages of each feature that `import 'troupe'` and turns of a plain
 * agent have loaded; with one of them the program ends with 1. Then the processor time of a turn of agents that declare a
 * feature and do not need it, as a ratio to a plain agent in the same round.
 *
 * node bench/agents/features.ts [steps per round] [rounds]
 */
import { registerHooks } from 'node:module'
import type { LlmAgentOptions, TroupeConfig } from 'troupe'
import { z } from 'zod'
import { answers, look, turns, zeroLatencyModel } from './workload.ts'

const [steps, rounds] = [Number(process.argv[2] ?? 100), Number(process.argv[3] ?? 9)]

const loaded = new Set<string>()
registerHooks({
  load(url, context, next) {
    loaded.add(url)
    return next(url, context)
  },
})
// After the hooks, so that they see its modules.
const { createTroupe, defineTool, LlmAgent } = await import('troupe')

const packages = {
  'sandbox (QuickJS)': ['quickjs-emscripten-core', '@jitl/quickjs-wasmfile-release-sync'],
  'differences of files in a workspace': ['diff'],
  'skills in folders': ['yaml'],
  'providers of models': ['@ai-sdk/openai', '@ai-sdk/anthropic', '@ai-sdk/google', '@ai-sdk/openai-compatible'],
  'tools over MCP': ['@modelcontextprotocol/client', '@modelcontextprotocol/server'],
  'documents as PDF, Word and mail': ['unpdf', 'mammoth', 'postal-mime'],
  'requests of tools': ['undici'],
  PostgreSQL: ['pg'],
  'server and its access': ['fastify', 'jose', 'openid-client'],
}
const modulesOf = (names: readonly string[]) =>
  [...loaded].filter((url) => names.some((name) => url.includes(`/node_modules/${name}/`))).length
const counts = () => Object.values(packages).map(modulesOf)

const tool = defineTool({ ...look, inputSchema: z.object({ q: z.string() }), effect: 'read' })
let threads = 0

async function contender(name: string, options: Partial<LlmAgentOptions>, config: Partial<TroupeConfig> = {}) {
  const troupe = await createTroupe({ storage: 'memory:', log: 'silent', ...config })
  const { tools = [], ...others } = options
  const agent = new LlmAgent({
    name: 'Bench',
    instructions: 'You look.',
    model: zeroLatencyModel(),
    tools: [tool, ...(tools as readonly (typeof tool)[])],
    ...others,
  })
  const user = troupe.user('ada')
  const step = async () => {
    const { text } = await user.session(agent, { threadId: `${threads++}` }).generate('Look around.')
    if (text !== answers) throw new Error(`${name} did not end`)
  }
  return { name, step, close: () => troupe.close() }
}

const afterImport = counts()
const plain = await contender('plain', {})
for (let i = 0; i < 10; i++) await plain.step()
const afterTurns = counts()
console.log('| feature | packages | modules after import | after turns of a plain agent |\n|---|---|---|---|')
for (const [i, [feature, names]] of Object.entries(packages).entries())
  console.log(`| ${feature} | ${names.join(', ')} | ${afterImport[i]} | ${afterTurns[i]} |`)
const superfluous = [...afterImport, ...afterTurns].reduce((sum, count) => sum + count, 0)

const { sandboxTools, workspaceTools } = await import('troupe/tools')
const skill = { name: 'tidy', description: 'How to tidy a room.', instructions: 'Begin at the door.' }
const contenders = [
  plain,
  await contender('plain, a second time (the noise of the measure)', {}),
  await contender('compaction that is not reached', { memory: { compaction: { at: 100_000 } } }),
  await contender('a skill that is not read', { skills: [skill] }),
  await contender('the tool of the sandbox, not called', { tools: sandboxTools() }),
  await contender('the seven tools of the workspace, not called', { tools: workspaceTools() }),
  await contender('a guardrail of the output that passes', {
    guardrails: { output: [{ name: 'short', check: () => ({ pass: true }) }] },
  }),
  await contender(
    'an embedding model that is not asked',
    {},
    { models: { embedding: 'openai/text-embedding-3-small' } },
  ),
  await contender('online scoring of no run', {}, { evaluation: { online: { share: 0, scorers: { one: () => 1 } } } }),
]

const ratios = new Map<string, number[]>(contenders.map(({ name }) => [name, []]))
let microseconds = Number.POSITIVE_INFINITY
for (let round = 0; round <= rounds; round++) {
  const used: number[] = []
  // In turns within a round, so that a machine that is busy for a while is so for all of them, and each round begins with another.
  for (let i = 0; i < contenders.length; i++) {
    const at = (round + i) % contenders.length
    const before = process.cpuUsage()
    for (let done = 0; done < steps; done++) await contenders[at]?.step()
    const { user, system } = process.cpuUsage(before)
    used[at] = user + system
  }
  const [base = 1] = used
  // The first round warms up.
  if (round === 0) continue
  microseconds = Math.min(microseconds, base / steps / turns)
  for (const [i, { name }] of contenders.entries()) ratios.get(name)?.push((used[i] as number) / base)
}
console.log(
  `\na turn of a plain agent: ${microseconds.toFixed(0)} µs of processor; ${rounds} rounds of ${steps} steps of ${turns} turns\n`,
)
console.log('| declared and not needed | processor time beside a plain agent: lowest – median – highest |\n|---|---|')
for (const [name, all] of ratios) {
  const sorted = all.toSorted((a, b) => a - b)
  const shown = [sorted[0], sorted[Math.floor(sorted.length / 2)], sorted.at(-1)].map((ratio = 0) => ratio.toFixed(2))
  if (name !== 'plain') console.log(`| ${name} | ${shown.join(' – ')} |`)
}
for (const { close } of contenders) await close()
if (superfluous > 0) {
  console.error(`${superfluous} modules of unused features were loaded`)
  process.exitCode = 1
}
