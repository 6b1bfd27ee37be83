/** A team on a store in memory, with virtual time, as `createTroupe` wires it but for runs. */
import { contextMigrations, Mesh } from '../../context/index.ts'
import {
  construct,
  createEvents,
  createIds,
  createVirtualClock,
  type EventFields,
  seededRandom,
  systemRandom,
} from '../../core/index.ts'
import { Mailboxes, messagingMigrations } from '../../messaging/index.ts'
import { Access, type AccessOptions, createIncidents, openAudit, securityMigrations } from '../../security/index.ts'
import { createBlobs, openStorage } from '../../storage/index.ts'
import { ToolHandler, type ToolHandlerParts } from './tool-handler.ts'
import { UnreadResults } from './unread-results.ts'

export async function openTeam() {
  const clock = createVirtualClock()
  const random = seededRandom('tools')
  const ids = createIds(clock, random)
  const seen: EventFields[] = []
  const events = createEvents(() => {})
  events.on('*', (event) => seen.push(event))
  const migrations = [...contextMigrations, ...securityMigrations, ...messagingMigrations]
  const storage = await openStorage({ url: 'memory:', migrations, clock, random })
  // Its ids are none that the seed gives again.
  const chance = { clock, random: systemRandom, ids: createIds(clock, systemRandom), events }
  const audit = await openAudit({ storage, platform: chance, holder: 'test', failed: () => {} })
  const incidents = createIncidents({ audit, events })
  const platform = { clock, random, ids, events }
  const mesh = new Mesh({ storage, platform, security: { incidents } })
  const mailboxes = new Mailboxes({
    storage,
    blobs: await createBlobs(storage),
    platform,
    security: { incidents },
    recipients: {
      subscribersOf: (user, topic, agent) => mesh.subscribersOf(user, topic, agent),
      presentOf: async () => [],
    },
    steps: { answer: () => ({ statements: [] }), abandon: () => ({ statements: [] }) },
  })
  const unread = new UnreadResults({ clock, events })
  return {
    clock,
    seen,
    unread,
    incidents,
    agent(name: string, options: AccessOptions = {}, more: Partial<ToolHandlerParts['security']> = {}) {
      const access = new Access(options)
      const context = mesh.agent('ada', name, access)
      const messages = mailboxes.messages({ user: 'ada', agent: name, access })
      const clients = { messages, mailbox: mailboxes.mailbox('ada', name) }
      const own = { userId: 'ada', clients: { context, ...clients }, access, platform, unread }
      const tools = ToolHandler[construct]({ ...own, security: { incidents, ...more } })
      return { context, tools, ...clients }
    },
    async [Symbol.asyncDispose]() {
      await mailboxes.close()
      await mesh.close()
      await incidents.flush()
      await storage.close()
    },
  }
}
