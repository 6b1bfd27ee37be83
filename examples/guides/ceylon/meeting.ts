/** Finds an hour for a meeting: asks all who are to come, and moves on by an hour until enough of them are free. */
import { createTroupe, defineMessage, type HandlerContext, type Message, Worker } from 'troupe'
import { z } from 'zod'

const Hours = z.object({ from: z.int(), to: z.int() })
const Meeting = z.object({ name: z.string(), hours: z.int(), atLeast: z.int(), people: z.array(z.string()) })
const Found = z.object({ ...Hours.shape, attendees: z.array(z.string()) })
const Schedule = defineMessage('meeting.schedule', Meeting, { reply: z.nullable(Found) })
const AreYouFree = defineMessage('meeting.free', Hours, { reply: z.boolean() })

class Scheduler extends Worker {
  constructor() {
    super('Scheduler')
    this.on(Schedule, this.schedule)
  }

  async schedule({ payload }: Message<z.infer<typeof Meeting>>, { messages }: HandlerContext) {
    for (let from = 8; from + payload.hours <= 18; from++) {
      const hours = { from, to: from + payload.hours }
      const free = await Promise.all(payload.people.map((to) => messages.request(AreYouFree, hours, { to })))
      const attendees = payload.people.filter((_, i) => free[i])
      if (attendees.length >= payload.atLeast) return { ...hours, attendees }
    }
    return null
  }
}

class Participant extends Worker {
  constructor(name: string, free: z.infer<typeof Hours>) {
    super(name, { role: 'participant' })
    this.on(AreYouFree, ({ payload: { from, to } }) => from >= free.from && to <= free.to)
  }
}

export async function main() {
  await using troupe = await createTroupe({ storage: 'memory:' })
  const ada = troupe.user('ada')
  await ada.start(new Scheduler())
  await ada.start(new Participant('Ann', { from: 9, to: 12 }))
  await ada.start(new Participant('Bob', { from: 10, to: 12 }))
  await ada.start(new Participant('Cyd', { from: 14, to: 18 }))
  const { messages } = ada.agent('Boss')
  const find = (atLeast: number) =>
    messages.request(Schedule, { name: 'plans', hours: 2, atLeast, people: ['Ann', 'Bob', 'Cyd'] }, { to: 'Scheduler' })
  return { two: await find(2), three: await find(3) }
}

if (import.meta.main) console.log(await main())
