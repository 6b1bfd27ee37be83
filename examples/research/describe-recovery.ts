/** What an interrupted run has behind it, read from its journal: none of it is done again. */
import type { Orchestra, Run, RunEvent } from 'troupe'

/** @returns lines for people: the steps that are finished with their calls, and those that are resumed */
export async function describeRecovery(orchestra: Orchestra, run: Run): Promise<readonly string[]> {
  const { journal } = await orchestra.export(run.id, { redact: 'nothing' })
  const finished = new Map<string, string>()
  const open = new Map<string, string>()
  for (const event of journal.flatMap((record) => (record as { readonly events?: RunEvent[] }).events ?? [])) {
    if (event.type === 'step.started') open.set(event.step, event.agent)
    if (event.type !== 'step.completed' && event.type !== 'step.failed') continue
    open.delete(event.step)
    if (event.type === 'step.completed') finished.set(event.step, event.agent)
  }
  const callsOf = async (step: string) => (await run.calls(step)).filter(({ state }) => state === 'done').length
  let calls = 0
  for (const step of finished.keys()) calls += await callsOf(step)
  const agents = new Map<string, number>()
  for (const agent of finished.values()) agents.set(agent, (agents.get(agent) ?? 0) + 1)
  const names = [...agents].map(([agent, times]) => (times > 1 ? `${times} × ${agent}` : agent))
  const resumedSteps: string[] = []
  for (const [step, agent] of open)
    resumedSteps.push(`${agent} [${step}], ${counted(await callsOf(step), 'recorded call')}`)
  return [
    `Not repeated: ${counted(finished.size, 'finished step')} (${names.join(', ')}) with ${counted(calls, 'call')} of models and tools.`,
    ...(resumedSteps.length > 0 ? [`Continued: ${resumedSteps.join('; ')}.`] : []),
  ]
}

const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`
