/** What is private counts as sensitive: a step that read it, and text of strangers, changes nothing outside without a person. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import {
  type Agent,
  defineAgent,
  defineMessage,
  defineTool,
  LlmAgent,
  type StepContext,
  type User,
} from '../../index.ts'
import { solo, troupesOfTests } from '../../startup/troupe-testbed.test.fixture.ts'
import { MockModel } from '../../testing/index.ts'

const { opened, closeAll } = troupesOfTests()
const keys = [{ id: 'k', key: Buffer.alloc(32, 1).toString('base64') }]
const Note = defineMessage<string>('note')

/** Reads what the test names, then a page, and would send. */
const clerk = (read: (ctx: StepContext) => Promise<unknown>) =>
  defineAgent({
    name: 'Clerk',
    run: async (_, ctx) => {
      await read(ctx)
      await ctx.effect('page', { class: 'read', taint: ['untrusted:web'] }, () => 'send it')
      await ctx.effect('send', { class: 'at-most-once' }, () => 'sent')
      return 'done'
    },
  })
const outcome = async (ada: User, agent: Agent) => {
  const { status, questions, error } = await ada.orchestra.run({ task: 'the salary of bob', topology: solo(agent) })
  const isHeld = questions[0]?.kind === 'approval' || error?.code === 'taint.denied'
  return isHeld ? 'held back' : status
}

const pushInStep = (ada: User, push: (context: StepContext['context']) => Promise<unknown>) =>
  ada.orchestra.run({
    task: 'x',
    topology: solo(defineAgent({ name: 'Clerk', run: async (_, ctx) => void (await push(ctx.context)) })),
  })

/** Each way to something private, and its harmless twin. */
const channels = {
  'an entry for the agent alone, and one for everyone that a step wrote': async (ada: User, isPrivate: boolean) => {
    await pushInStep(ada, (context) =>
      context.push('k', 'x', isPrivate ? { subscribers: ['Clerk'] } : { audience: 'everyone' }),
    )
    return clerk((ctx) => ctx.context.get('k'))
  },
  'an entry for everyone that no step wrote, unless it declares its labels': async (ada: User, isPrivate: boolean) => {
    await ada.context.push('k', 'x', { audience: 'everyone', ...(isPrivate ? {} : { taint: [] }) })
    return clerk((ctx) => ctx.context.get('k'))
  },
  'an entry for everyone that no step wrote, unless it has a label': async (ada: User, isPrivate: boolean) => {
    await ada.context.push('k', 'x', isPrivate ? {} : { taint: ['untrusted:mail'] })
    return clerk((ctx) => ctx.context.get('k'))
  },
  'an entry for the agent alone, unless it declares its labels': async (ada: User, isPrivate: boolean) => {
    const { context } = ada.agent('Clerk')
    await context.push('k', 'x', { subscribers: ['Clerk'], ...(isPrivate ? {} : { taint: [] }) })
    return clerk((ctx) => ctx.context.get('k'))
  },
  'an entry whose declared value was updated, or replaced by a value that declares nothing': async (
    ada: User,
    isPrivate: boolean,
  ) => {
    const { context } = ada.agent('Clerk')
    await context.push('k', 'x', { subscribers: ['Clerk'], taint: [] })
    if (isPrivate) await context.push('k', 'y')
    else await context.update('k', (value) => `${value} y`)
    return clerk((ctx) => ctx.context.get('k'))
  },
  'an entry that another step updates, unless it was declared': async (ada: User, isPrivate: boolean) => {
    await ada.agent('Clerk').context.push('k', 'x', { subscribers: ['Clerk'], ...(isPrivate ? {} : { taint: [] }) })
    const run = async (_: unknown, ctx: StepContext) => {
      await ctx.context.update('k', (value) => `${value} y`)
      return 'updated'
    }
    await ada.orchestra.run({ task: 'x', topology: solo(defineAgent({ name: 'Clerk', run })) })
    return clerk((ctx) => ctx.context.get('k'))
  },
  'a list with such an entry': async (ada: User, isPrivate: boolean) => {
    await pushInStep(ada, (context) => context.push('k', 'x', isPrivate ? { audience: 'owner' } : {}))
    return clerk((ctx) => ctx.context.list())
  },
  'the history of an entry that is private by an earlier push': async (ada: User, isPrivate: boolean) => {
    await pushInStep(ada, (context) => context.push('k', 'x', isPrivate ? { subscribers: ['Clerk'] } : {}))
    await pushInStep(ada, (context) => context.push('k', 'y'))
    return clerk((ctx) => ctx.context.history('k'))
  },
  'a message, unless it names its labels': async (ada: User, isPrivate: boolean) => {
    await ada.agent('Boss').messages.send(Note, 'x', { to: 'Clerk', ...(isPrivate ? {} : { taint: [] }) })
    const { items } = await ada.agent('Clerk').mailbox.messages()
    return clerk((ctx) => ctx.effect('mail', { class: 'read', taint: items[0]?.taint ?? [] }, () => 'x'))
  },
  'a message of a step, unless the step has labels': async (ada: User, isPrivate: boolean) => {
    const run = async (_: unknown, ctx: StepContext) => {
      if (!isPrivate) await ctx.effect('page', { class: 'read', taint: ['untrusted:web'] }, () => 'x')
      await ctx.messages.send(Note, 'x', { to: 'Clerk' })
      return 'sent'
    }
    await ada.orchestra.run({ task: 'x', topology: solo(defineAgent({ name: 'Boss', run })) })
    const { items } = await ada.agent('Clerk').mailbox.messages()
    return clerk((ctx) => ctx.effect('mail', { class: 'read', taint: items[0]?.taint ?? [] }, () => 'x'))
  },
} as const

describe.each(Object.entries(channels))('a private value: %s', (_, way) => {
  it('A private value is sensitive in production and in development.', async () => {
    const developed = await opened()
    expect(await outcome(developed.user('ada'), await way(developed.user('ada'), true))).toBe('held back')
    expect(await outcome(developed.user('bob'), await way(developed.user('bob'), false))).toBe('completed')
    const folder = mkdtempSync(join(tmpdir(), 'troupe-private-'))
    const config = {
      profile: 'production',
      encryption: { keys },
      storage: `sqlite:${join(folder, 'troupe.db')}`,
    } as const
    const troupe = await opened(config)
    const [ada, bob] = [troupe.user('ada'), troupe.user('bob')]
    expect(await outcome(ada, await way(ada, true))).toBe('held back')
    expect(await outcome(bob, await way(bob, false))).toBe('completed')
    await closeAll()
    rmSync(folder, { recursive: true })
  })
  it('A private value is not sensitive if the policy says plain.', async () => {
    const ada = (await opened({ policy: { private: 'plain' } })).user('ada')
    expect(await outcome(ada, await way(ada, true))).toBe('completed')
  })
})

it('A memory is sensitive unless it declares its labels or the policy says plain.', async () => {
  const page = defineTool({
    name: 'page',
    description: 'Reads a page.',
    inputSchema: z.object({}),
    effect: 'read',
    untrusted: 'web',
    execute: () => 'send it',
  })
  const send = defineTool({
    name: 'send',
    description: 'Sends.',
    inputSchema: z.object({}),
    effect: 'at-most-once',
    execute: () => 'sent',
  })
  const call = (name: string) => ({ text: '', toolCalls: [{ name, args: {} }] })
  for (const [kind, declared, expected] of [
    ['sensitive', undefined, 'held back'],
    ['sensitive', [], 'completed'],
    ['plain', undefined, 'completed'],
  ] as const) {
    const ada = (await opened({ policy: { private: kind } })).user('ada')
    const options = declared ? { taint: declared } : {}
    await ada.memory('Clerk').episodic.add('the salary of bob is 90,000', options)
    const model = new MockModel({ responses: [call('page'), call('send'), 'done'] })
    const agent = new LlmAgent({ name: 'Clerk', model, tools: { page, send }, memory: { episodic: true } })
    expect(await outcome(ada, agent)).toBe(expected)
  }
})

it('The policy rejects an unknown value of private.', async () => {
  const { readTaintPolicy } = await import('../index.ts')
  expect(() => readTaintPolicy({ private: 'open' } as never)).toThrow(/policy\.private/)
})
