/** What the two processes know of each other: types of messages, the same in both, and names. */
import { defineMessage } from 'troupe'
import { z } from 'zod'

export const serverName = 'NetworkServer'
export const userId = 'ceylon-network'
export const Work = defineMessage('network.work', z.object({ text: z.string() }), {
  reply: z.object({ text: z.string(), process: z.int() }),
})
