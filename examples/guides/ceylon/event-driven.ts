/** An agent that acts when something happens: a message comes, a colleague comes, a colleague goes. Nobody polls. */
import { createTroupe, defineMessage, type Message, type Messages, Worker } from 'troupe'
import { z } from 'zod'

const Task = defineMessage('task', z.string(), { reply: z.string() })

class EventDrivenAgent extends Worker {
  readonly log: string[] = []

  constructor() {
    super('EventDrivenAgent')
    this.on(Task, this.handleTask)
    this.onConnect('*', this.welcome)
    // A topic and a role: those of another topic or role are not told of here.
    this.onConnect('billing:clerk', this.brief)
    this.onDisconnect('*', this.farewell)
  }

  handleTask({ payload }: Message<string>) {
    this.log.push(`did ${payload}`)
    return 'done'
  }
  welcome({ name }: Messages.AgentDetail) {
    this.log.push(`${name} came`)
  }
  brief({ name, role, topics }: Messages.AgentDetail) {
    this.log.push(`${name} is a ${role} of ${topics}`)
  }
  farewell({ name }: Messages.AgentDetail) {
    this.log.push(`${name} left`)
  }
}

export async function main() {
  await using troupe = await createTroupe({ storage: 'memory:' })
  const ada = troupe.user('ada')
  const agent = new EventDrivenAgent()
  const running = await ada.start(agent)
  const clerk = await ada.start(new Worker('Bob', { role: 'clerk', topics: ['billing'] }))
  const guest = await ada.start(new Worker('Cyd', { role: 'guest', topics: ['billing'] }))
  await guest.stop()
  await clerk.stop()
  await ada.agent('Boss').messages.request(Task, 'the report', { to: 'EventDrivenAgent' })
  await running.stop()
  return agent.log
}

if (import.meta.main) console.log(await main())
