/** What the shell has to carry out: derived from the state, with ids that are the same whenever they are asked for. */
import { taintField } from '../../core/index.ts'
import { taintOfStep } from './branches/evolve-taint.ts'
import { flowOf, nodeIn, servingFlow } from './branches/flow.ts'
import type { Command, Event } from './machine-events.ts'
import { must, type State, type Step } from './state.ts'

/** The key of the command that cancels all child runs. */
export const childrenKey = 'children'

const opened = (event: Event): string | undefined => {
  switch (event.type) {
    case 'step.started':
      return `execute ${event.step}`
    case 'step.cancel-requested':
      return `cancel ${event.step}`
    case 'run.cancel-requested':
      return childrenKey
    case 'budget.requested':
      return 'budget'
    case 'timer.set':
      return `timer ${event.name}`
    case 'answer.delivered':
      return `answer ${event.step} ${event.wait}`
    default:
      return undefined
  }
}

/**
 * What an event opened and no later one has closed, asked for after it was folded in.
 * @returns at most one command, in O(1)
 */
export function commandsOf(state: Readonly<State>, event: Event): readonly Command[] {
  const key = opened(event)
  const command = key === undefined ? undefined : state.open.get(key)
  return command ? [command] : []
}

export function executeCommand(state: Readonly<State>, step: Step): Command {
  const node = nodeIn(state, step.node)
  const common = {
    id: `execute ${step.id}`,
    type: 'step.execute' as const,
    step: step.id,
    branch: step.branch,
    node: step.node,
    agent: step.agent,
    ...taintField(taintOfStep(state, step)),
  }
  if (step.serve) {
    const { message, payload, fromAgent } = step.serve
    const serve = { type: message, from: fromAgent }
    return { ...common, input: payload, request: payload, flow: servingFlow, thread: step.id, serve }
  }
  const branch = must(state.branches.get(step.branch), step.branch)
  const stream = node.out.filter((e) => e.type === 'stream').map((e) => nodeIn(state, e.to).label)
  return {
    ...common,
    input: branch.input,
    ...(branch.results ? { results: branch.results } : {}),
    request: branch.request,
    ...(branch.history ? { history: branch.history } : {}),
    flow: flowOf(state, branch),
    thread: `${branch.id}@${step.node}`,
    ...(stream.length > 0 ? { streamTo: stream } : {}),
  }
}
