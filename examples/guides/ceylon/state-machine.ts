/** An agent with states: what its table does not allow does not happen, and every change is logged. */
import { createTroupe, defineMessage, InvalidTransitionError, type Message, StateMachine, Worker } from 'troupe'
import { z } from 'zod'

const Task = defineMessage('task', z.object({ title: z.string(), works: z.boolean() }), { reply: z.string() })

class WorkflowAgent extends Worker {
  readonly state = new StateMachine({
    initial: 'idle',
    transitions: {
      idle: ['processing'],
      processing: ['completed', 'error'],
      completed: ['idle'],
      error: ['idle'],
    },
  })

  constructor(log: (line: string) => void) {
    super('WorkflowAgent')
    this.on(Task, this.work)
    this.state.on('change', ({ from, to }) => log(`${from} -> ${to}`))
  }

  work({ payload }: Message<{ works: boolean }>) {
    this.state.transition('processing')
    const end = this.state.transition(payload.works ? 'completed' : 'error')
    this.state.transition('idle')
    return end
  }
}

export async function main() {
  await using troupe = await createTroupe({ storage: 'memory:' })
  const ada = troupe.user('ada')
  const changes: string[] = []
  const agent = new WorkflowAgent((line) => changes.push(line))
  await ada.start(agent)
  const ask = (works: boolean) =>
    ada.agent('Boss').messages.request(Task, { title: 'report', works }, { to: 'WorkflowAgent' })
  const ends = [await ask(true), await ask(false)]
  let rejected: string | undefined
  try {
    agent.state.transition('completed')
  } catch (error) {
    if (error instanceof InvalidTransitionError) rejected = error.message
  }
  return { ends, changes, rejected, state: agent.state.state }
}

if (import.meta.main) console.log(await main())
