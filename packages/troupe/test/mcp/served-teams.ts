/** Serves agents and a team at `/mcp`, and connects official clients to them. */
import { defineAgent, finish, invoke } from '../../src/agents/index.ts'
import type { KeyScope } from '../../src/security/index.ts'
import { serve as listen, type ServerOptions } from '../../src/server/index.ts'
import { createTroupe, type Troupe } from '../../src/startup/index.ts'
import { connectTo, modern } from './clients.ts'

/** The troupes, servers and clients that are open; `closeServed` closes them. */
export const open: { close(): Promise<unknown> }[] = []
/** Closes what `serve` has opened. */
export async function closeServed(): Promise<void> {
  for (const one of open.splice(0).reverse()) await one.close()
  went.splice(0)
}

const untilAborted = (signal: AbortSignal) =>
  new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
const echo = defineAgent({ name: 'Echo', run: async (input) => ({ received: input }) })
const asking = defineAgent({
  name: 'Asking',
  run: async (_, ctx) => finish(await ctx.ask({ kind: 'choice', text: 'Which?', options: ['red', 'blue'] })),
})
const waiting = defineAgent({
  name: 'Waiting',
  run: (_, ctx) => untilAborted(ctx.signal),
})
export const went: unknown[] = []
const askingFirst = defineAgent({
  name: 'AskingFirst',
  run: async (_, ctx) => {
    went.push(await ctx.ask({ kind: 'confirmation', text: 'Go on?' }))
    return untilAborted(ctx.signal)
  },
})
const working = defineAgent({
  name: 'Working',
  run: (_, ctx) => ctx.effect('work', { class: 'read', input: null }, ({ signal }) => untilAborted(signal)),
})
const leading = defineAgent({
  name: 'Leading',
  run: async () =>
    invoke([
      { agent: 'Asking', input: 1 },
      { agent: 'Working', input: 1 },
    ]),
})
const approving = defineAgent({
  name: 'Sure',
  run: async (_, ctx) => finish({ sure: await ctx.ask({ kind: 'confirmation', text: 'Sure?' }) }),
})

const paying = defineAgent({
  name: 'Paying',
  run: async (_, ctx) =>
    finish(await ctx.ask({ kind: 'approval', text: 'Pay \u0430dmin?', tool: 'pay', args: { to: '\u202ebob' } })),
})

export const serve = async (options: ServerOptions = {}) => {
  const agents = [echo, asking, askingFirst, waiting, approving, paying]
  const flows = ['Start -> Leading', 'Leading <-> Asking', 'Leading <-> Working', 'Leading -> End']
  const teams = { both: { agents: [leading, asking, working], flows } }
  const troupe = await createTroupe({ storage: 'memory:', log: 'silent', agents, teams })
  open.push(troupe)
  const server = await listen(troupe, { port: 0, authentication: 'required', rateLimit: false, ...options })
  open.push(server)
  const { url } = server
  const keyOf = async (scope: KeyScope) => (await troupe.apiKeys.create({ name: 'k', ...scope })).key
  const connect = async (scope: KeyScope, options: Parameters<typeof connectTo>[2] = modern) => {
    const client = await connectTo(url, await keyOf(scope), options)
    open.push(client)
    return client
  }
  const statusOf = async (method: string, body?: unknown, headers: Readonly<Record<string, string>> = {}) => {
    const sent = body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }
    const type = body === undefined ? {} : { 'content-type': 'application/json' }
    const response = await fetch(`${url}/mcp`, { method, headers: { ...type, ...headers }, ...sent })
    await response.text()
    return response.status
  }
  return { troupe, server, url, keyOf, connect, statusOf }
}
export const keyScope = { users: ['ada'], agent: 'Desk' } as const
export const runsOf = async (troupe: Troupe, user = 'ada') => (await troupe.user(user).orchestra.list()).items
