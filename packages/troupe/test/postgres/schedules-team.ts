/** What the processes of the schedules' trial share. */
import { defineAgent, finish, type Json } from '../../src/index.ts'

const agent = defineAgent({ name: 'Tick', run: async (task: Json) => finish(task) })
export const tick = { agents: [agent], flows: ['Start -> Tick', 'Tick -> End'] }
