/**
 * What a turn of an agent costs where the model takes no time: journal on, in memory, beside the AI SDK's ToolLoopAgent and
 * the OpenAI Agents SDK in the same run, which keep no journal. Then what a session holds that does nothing.
 *
 * node bench/agents/main.ts [steps per round]
 */
import { createTroupe, defineTool, LlmAgent } from 'troupe'
import { z } from 'zod'
import { idleSessions } from './idle-sessions.ts'
import { openAiAgents } from './openai-agents.ts'
import { toolLoopAgent } from './tool-loop-agent.ts'
import { answers, look, turns, zeroLatencyModel } from './workload.ts'

const steps = Number(process.argv[2] ?? 200)

async function troupe() {
  const opened = await createTroupe({ storage: 'memory:', log: 'silent' })
  const tool = defineTool({ ...look, inputSchema: z.object({ q: z.string() }), effect: 'read' })
  const agent = new LlmAgent({
    name: 'Bench',
    instructions: 'You look.',
    model: zeroLatencyModel(),
    tools: { look: tool },
  })
  let thread = 0
  return {
    name: 'troupe, journal on',
    // A thread of its own for each, so that no conversation grows from step to step.
    step: async () =>
      (
        await opened
          .user('ada')
          .session(agent, { threadId: `${thread++}` })
          .generate('Look around.')
      ).text,
    close: () => opened.close(),
  }
}

const contenders = [await troupe(), toolLoopAgent(), await openAiAgents()].filter((one) => one !== undefined)
const best = new Map<string, { wall: number; cpu: number }>()
// In turns, so that a machine that is busy for a while is so for all of them.
for (let round = 0; round < 6; round++) {
  for (const { name, step } of contenders) {
    const [began, used] = [performance.now(), process.cpuUsage()]
    for (let i = 0; i < steps; i++) if ((await step()) !== answers) throw new Error(`${name} did not end`)
    const { user, system } = process.cpuUsage(used)
    const [wall, cpu] = [((performance.now() - began) * 1_000) / steps / turns, (user + system) / steps / turns]
    const before = best.get(name)
    // The first round warms up.
    if (round > 0 && (!before || wall < before.wall)) best.set(name, { wall, cpu: Math.min(cpu, before?.cpu ?? cpu) })
  }
}
console.log(
  `a turn (one call of the model, one of a tool), in steps of ${turns} turns, best of 5 rounds of ${steps} steps:`,
)
for (const [name, { wall, cpu }] of best)
  console.log(`  ${name}: ${wall.toFixed(0)} µs, ${cpu.toFixed(0)} µs of processor`)
for (const { close } of contenders) await close()
console.log(await idleSessions())
