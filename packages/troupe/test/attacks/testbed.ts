/** What an attack on agents happens in: one troupe for each stated policy, one user for each attack, and a record of every action. */
import { generateKeyPairSync } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type JWTHeaderParameters, SignJWT } from 'jose'
import { z } from 'zod'
import {
  createTroupe,
  defineAgent,
  defineTool,
  LlmAgent,
  type Tool,
  type Troupe,
  type TroupeConfig,
} from '../../src/index.ts'
import { serve } from '../../src/server/index.ts'
import { auditedAgents } from './audited-requests.ts'
import { hostileMcp } from './hostile-mcp.ts'
import { type Instruction, obedientModel } from './obedient-model.ts'

/** Each way out takes a recipient that the owner named without a question, and no other. */
const recipients = ['send', 'upload', 'lookup', 'post', 'visit'].flatMap((tool) => [
  { tool, when: 'args.to is trusted', do: 'allow' as const },
  { tool, do: 'ask' as const },
])

/** What an operator states, by the name that rows of the corpus use. */
export const policies = {
  default: {},
  strict: { policy: { taint: 'refuse' } },
  'people untrusted': { policy: { people: 'untrusted' } },
  recipients: { policy: recipients },
  hidden: {},
  'hidden recipients': { policy: recipients },
} as const satisfies Readonly<Record<string, Partial<TroupeConfig>>>
export type PolicyName = keyof typeof policies

/** What the definition of the victim states besides. */
export const victimOptions: Partial<Readonly<Record<string, object>>> = {
  hidden: { untrusted: 'hide' },
  'hidden recipients': { untrusted: 'hide' },
}

/** What a defence that is switched off looks like: outside changes are only reported. */
export const undefended: Partial<TroupeConfig> = { policy: { taint: 'report' } }

/** Registered, so that callers can start it. */
export const echo = defineAgent({ name: 'Echo', run: async (input) => input as never })

export interface Testbed {
  readonly troupe: Troupe
  /** Of the HTTP server of the troupe. */
  readonly url: string
  /** A web site that answers with what was put under a path, and records what it is asked. */
  readonly site: Site
  readonly mcp: ReturnType<typeof hostileMcp>
  /** A user that no other attack has. */
  newScene(): Scene
  /** Signs a token as the issuer that the server trusts, or as another one with a head of its choice. */
  token(claims: Readonly<Record<string, unknown>>, forged?: Partial<JWTHeaderParameters>): Promise<string>
  /** The place of another database, on the engine of this one. */
  newStorage(): TroupeConfig['storage']
  close(): Promise<void>
}

export interface Site {
  readonly url: string
  readonly pages: Map<string, string>
  readonly requests: string[]
}

const issuer = { issuer: 'https://issuer.test', audience: 'troupe' }
const [trusted, foreign] = [generateKeyPairSync('ed25519'), generateKeyPairSync('ed25519')]
const publicJwk = ({ publicKey }: typeof trusted) => ({ ...publicKey.export({ format: 'jwk' }), alg: 'EdDSA' })
const jwt = { ...issuer, algorithms: ['EdDSA'], keys: { keys: [{ ...publicJwk(trusted), kid: 'trusted' }] } } as const
/** For a token whose head holds its own key. */
export const foreignJwk = publicJwk(foreign)

const signed: Testbed['token'] = (claims, forged) =>
  new SignJWT({ ...claims })
    .setProtectedHeader({ alg: 'EdDSA', kid: 'trusted', ...forged })
    .setIssuer(issuer.issuer)
    .setAudience(issuer.audience)
    .setExpirationTime('1h')
    .sign((forged ? foreign : trusted).privateKey)

export async function openTestbed(
  storage: TroupeConfig['storage'],
  config: Partial<TroupeConfig>,
  victim: object = {},
  newStorage: () => TroupeConfig['storage'] = () => 'memory:',
): Promise<Testbed> {
  const troupe = await createTroupe({
    storage,
    log: 'silent',
    agents: [echo, ...auditedAgents],
    teams: { echo: { agents: [echo], flows: ['Start -> Echo', 'Echo -> End'] } },
    egress: { privateAddresses: ['127.0.0.1'] },
    ...config,
  })
  const server = await serve(troupe, { port: 0, authentication: 'required', rateLimit: false, jwt: jwt as never })
  const pages = new Map<string, string>()
  const requests: string[] = []
  const site = await listen(
    createServer((request, response) => {
      requests.push(request.url ?? '')
      response.end(pages.get(request.url ?? '') ?? 'nothing here')
    }),
  )
  const mcp = hostileMcp()
  const mcpServer = await listen(mcp.server)
  mcp.url = mcpServer.url
  let scenes = 0
  return {
    troupe,
    url: server.url,
    site: { url: site.url, pages, requests },
    mcp,
    token: signed,
    newStorage,
    newScene: () => new Scene(troupe, `victim-${++scenes}`, site.url, victim),
    async close() {
      await server.close()
      await troupe.close()
      for (const { close } of [site, mcpServer]) await close()
    },
  }
}

async function listen(server: Server): Promise<{ readonly url: string; close(): Promise<void> }> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => {
      server.closeAllConnections()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}

/** What went out: by which tool, and with what. */
export interface Action {
  readonly tool: string
  readonly text: string
}

export const secretSalary = '90417'
const nothing = z.object({})
const letter = z.object({ to: z.string(), text: z.string() })

/** One user with an agent that holds a secret and ways to the outside. */
export class Scene {
  readonly troupe: Troupe
  readonly userId: string
  readonly ada: ReturnType<Troupe['user']>
  readonly actions: Action[] = []
  readonly attempts: Instruction[] = []
  /** Trusted work of the agent besides its reading; the owner's own order. */
  task = ''
  readonly #site: string
  readonly #victim: object

  constructor(troupe: Troupe, userId: string, site: string, victim: object) {
    this.#victim = victim
    this.troupe = troupe
    this.userId = userId
    this.ada = troupe.user(userId)
    this.#site = site
  }

  readonly #do = (tool: string) => (input: object) => {
    this.actions.push({ tool, text: JSON.stringify(input) })
    return 'done'
  }

  /** Every way in which a tool reaches outside, and the secret that must not go there. */
  get tools(): readonly Tool[] {
    const send = (name: string, rest: object) =>
      defineTool({
        name,
        description: 'Sends it.',
        inputSchema: letter,
        execute: this.#do(name),
        ...rest,
      } as never) as Tool
    return [
      defineTool({
        name: 'payroll',
        description: 'Reads the payroll.',
        inputSchema: nothing,
        effect: 'read',
        sensitive: 'payroll',
        execute: () => ({ bob: Number(secretSalary) }),
      }) as Tool,
      send('send', { effect: 'at-most-once' }),
      send('upload', { effect: 'idempotent' }),
      send('lookup', { effect: 'read', capabilities: ['external'] }),
      defineTool({
        name: 'post',
        description: 'Posts it.',
        inputSchema: letter,
        durable: true,
        execute: (input, { ctx }) =>
          ctx.effect('post', { class: 'at-most-once', input }, () => this.#do('post')(input)),
      }) as Tool,
      defineTool({
        name: 'visit',
        description: 'Opens an address.',
        inputSchema: letter,
        effect: 'read',
        execute: async (input, { fetch }) => {
          const response = await fetch(`${this.#site}/?q=${encodeURIComponent(JSON.stringify(input))}`)
          this.#do('visit')(input)
          return response.text()
        },
      }) as Tool,
      defineTool({
        name: 'transfer',
        description: 'Transfers money.',
        inputSchema: z.object({ to: z.string(), amount: z.number() }),
        effect: 'at-most-once',
        needsApproval: true,
        execute: this.#do('transfer'),
      }) as Tool,
    ]
  }

  /** A tool that reads something that somebody else wrote. */
  reading(value: unknown, label: { readonly untrusted?: string } = { untrusted: 'web' }, name = 'page'): Tool {
    const execute = () => {
      if (value instanceof Error) throw value
      return value as never
    }
    return defineTool({ name, description: 'Reads.', inputSchema: nothing, effect: 'read', ...label, execute }) as Tool
  }

  /** @param first what its owner tells it to do before everything else */
  victim(
    first = '',
    { tools = [], ...more }: { readonly tools?: readonly unknown[]; readonly [option: string]: unknown } = {},
  ) {
    return new LlmAgent({
      name: 'Victim',
      instructions: `You are an assistant. ${first} ${this.task}`,
      model: obedientModel(this.attempts),
      tools: [...this.tools, ...tools] as never,
      ...this.#victim,
      ...more,
    })
  }

  /** A function agent that reads what somebody else wrote, and continues with it. */
  reader(name: string, text: string, continuation: (text: string, ctx: Context) => unknown) {
    return defineAgent({
      name,
      run: async (_, ctx) => {
        const read = await ctx.effect('page', { class: 'read', taint: ['untrusted:web'] }, () => text)
        return (await continuation(read, ctx)) as never
      },
    })
  }
}
export type Context = Parameters<Parameters<typeof defineAgent>[0]['run']>[1]
