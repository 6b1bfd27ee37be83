/** Something in every place of a user that holds content, for tests of what is sealed and what is forgotten. */
import { defineAgent, defineMessage, finish, LlmAgent, type Troupe } from '../index.ts'
import { MockModel } from '../testing/index.ts'

export const Note = defineMessage('note')

/** @param marker stands in each value @returns a run that waits for an answer */
export async function plant(troupe: Troupe, user: string, marker: string): Promise<string> {
  const ada = troupe.user(user)
  await ada.context.push('plan', { marker }, { metadata: { marker } })
  await ada.context.push('plan', { marker: `${marker} again` })
  await ada.context.push('large', `${marker} `.repeat(30_000))
  await ada.context.push('gone', marker, { ttl: '1h' })
  await ada.context.delete('gone')
  await plantMessages(troupe, user, marker)
  const asker = defineAgent({
    name: 'Asker',
    run: async (input, ctx) => {
      await ctx.effect('look', { class: 'read' }, async () => ({ marker }))
      await ctx.context.push('seen', { input: input as string, marker })
      return finish(await ctx.ask({ text: marker, timeout: '1d' }))
    },
  })
  const echo = defineAgent({ name: 'Echo', run: async (input) => finish(input as string) })
  await ada.orchestra.run({ task: marker, topology: { agents: [echo], flows: ['Start -> Echo', 'Echo -> End'] } })
  const talker = new LlmAgent({ name: 'Talker', instructions: 'x', model: new MockModel({ responses: [marker] }) })
  await ada.session(talker, { threadId: 't' }).chat(marker)
  const { episodic } = ada.memory('Talker')
  for (const content of [marker, { marker }]) await episodic.add(content, { key: 'episode' })
  await plantSchedules(troupe, user, marker)
  const flows = ['Start -> Asker', 'Asker -> End', 'Asker -> User', 'User -> Asker']
  const run = await ada.orchestra.start({ task: marker, topology: { agents: [asker], flows } })
  await run.result()
  return run.id
}

/** A message that waits, one that was returned with a reason, a dead letter and one for later. */
async function plantMessages(troupe: Troupe, user: string, marker: string): Promise<void> {
  const { messages } = troupe.user(user).agent('Support')
  const { mailbox } = troupe.user(user).agent('Sales')
  await messages.send(Note, { marker }, { to: 'Sales', metadata: { marker } })
  for (let attempt = 1; attempt <= 5; attempt++)
    for (const delivery of await mailbox.receive({ max: 1 })) await delivery.nack({ reason: `${marker} ${attempt}` })
  await messages.send(Note, { marker }, { to: 'Sales', metadata: { marker } })
  for (const delivery of await mailbox.receive({ max: 1 })) await delivery.nack({ reason: marker })
  await messages.send(Note, { marker }, { to: 'Sales' })
  await messages.send(Note, marker, { to: 'Sales', delay: '1h' })
}

/** One that waits for its time, and one with a message that waits for the run before. */
async function plantSchedules(troupe: Troupe, user: string, marker: string): Promise<void> {
  const { schedules, orchestra } = troupe.user(user)
  const asker = defineAgent({ name: 'Waits', run: async (_, ctx) => finish(await ctx.ask({ text: marker })) })
  const topology = { agents: [asker], flows: ['Start -> Waits', 'Waits -> End', 'Waits -> User', 'User -> Waits'] }
  await schedules.create({ id: 'weekly', topology, task: { marker }, every: '0 0 * * 0' })
  await schedules.create({ id: 'queued', topology, onMessage: { type: Note }, overlap: 'queue' })
  const first = await schedules.trigger('queued')
  await (await orchestra.get(first.id)).result()
  await troupe.user(user).agent('Support').messages.send(Note, { marker }, { to: 'queued' })
  const { mailbox } = troupe.user(user).agent('queued')
  const isStored = async () => {
    const { waiting, leased } = await mailbox.counts()
    return waiting + leased === 0 && (await schedules.get('queued')).waiting === 1
  }
  while (!(await isStored())) await new Promise((resolve) => setTimeout(resolve, 5))
  await schedules.pause('queued')
}
