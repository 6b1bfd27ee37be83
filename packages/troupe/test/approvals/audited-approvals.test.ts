/** Each surface on which a person approves leaves a record of the principal, and of the API key if there is one. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { AnswerQuestion, createTroupe, defineAgent, finish } from '../../src/index.ts'
import { serve } from '../../src/server/index.ts'
import { Folder } from '../cli/cli-process.ts'
import { connectTo, modern } from '../mcp/clients.ts'

const open: { close(): Promise<unknown> }[] = []
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close()
})

const paying = defineAgent({
  name: 'Paying',
  run: async (_, ctx) => finish(await ctx.ask({ kind: 'approval', text: 'Pay?', tool: 'pay', args: { to: 'bob' } })),
})

async function opened() {
  const troupe = await createTroupe({ storage: 'memory:', log: 'silent', agents: [paying] })
  open.push(troupe)
  const server = await serve(troupe, { port: 0, authentication: 'required', rateLimit: false })
  open.push(server)
  const { id, key } = await troupe.apiKeys.create({ name: 'approver', users: ['ada'], role: 'contributor' })
  return { troupe, url: server.url, id, key }
}
type Opened = Awaited<ReturnType<typeof opened>>

async function waiting({ troupe }: Opened) {
  const run = await troupe.user('ada').orchestra.start({ task: 1, agent: 'Paying' })
  const [question] = (await run.result()).questions
  if (!question) throw new Error('nobody was asked')
  return { run, question }
}

interface Recorded {
  readonly actor: string
  readonly key: string | undefined
  readonly hash: string | undefined
}

/** @returns the record that has to be there */
const surfaces: Readonly<Record<string, (opened: Opened, approve: boolean) => Promise<Recorded>>> = {
  'by MCP elicitation': async (own, approve) => {
    const { url, id, key } = own
    // The same call has the same hash.
    const { question } = await waiting(own)
    const client = await connectTo(url, key, { ...modern, capabilities: { elicitation: { form: {} } } })
    open.push(client)
    client.setRequestHandler('elicitation/create', () => ({ action: 'accept', content: { value: approve } }))
    await client.callTool({ name: 'run_team', arguments: { task: 1, team: 'Paying' } })
    return { actor: 'host', key: id, hash: question.hash }
  },
  'by a message': async (own, approve) => {
    const { run, question } = await waiting(own)
    const ada = own.troupe.user('ada')
    const inbox = await ada.acceptAnswers({ from: ['Desk'], approvals: ['Desk'] })
    const value = { approve, hash: question.hash ?? '' }
    const payload = { run: run.id, question: question.id, value }
    await ada.agent('Desk').messages.request(AnswerQuestion, payload, { to: 'Answers', timeout: '30s' })
    await inbox.stop()
    return { actor: 'Desk', key: undefined, hash: question.hash }
  },
  'by the command line with an API key': async (own, approve) => {
    const { run, question } = await waiting(own)
    using folder = new Folder()
    writeFileSync(join(folder.path, 'package.json'), '{}')
    const env = { TROUPE_URL: own.url, TROUPE_API_KEY: own.key }
    const { code, error } = await folder.run(['runs', 'answer', run.id, question.id, approve ? 'yes' : 'no'], { env })
    expect([code, error]).toEqual([0, ''])
    return { actor: 'host', key: own.id, hash: question.hash }
  },
}

test.each(Object.keys(surfaces).flatMap((surface) => [[surface, true] as const, [surface, false] as const]))(
  'The audit log records an approval %s (approved: %s) with its principal and its API key.',
  async (surface, approve) => {
    const own = await opened()
    const { actor, key, hash } = await (surfaces[surface] as (typeof surfaces)[string])(own, approve)
    await own.troupe.audit.flush()
    const { items } = await own.troupe.audit.list({ user: 'ada', limit: 1_000 })
    const records = items.filter(({ operation }) => operation.startsWith('approval.'))
    expect(records.map((one) => [one.operation, one.actor, one.key, one.resource, one.allowed])).toEqual([
      [approve ? 'approval.give' : 'approval.refuse', actor, key, `pay ${hash}`, true],
    ])
  },
)
