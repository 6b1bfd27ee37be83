import { expect, it } from 'vitest'
import * as client from './client/index.ts'
import * as aiSdk from './compat/ai-sdk/index.ts'
import * as decorators from './compat/decorators/index.ts'
import * as functionAgents from './compat/function/index.ts'
import * as langGraph from './compat/langgraph/index.ts'
import * as marsys from './compat/marsys/index.ts'
import * as openAiAgents from './compat/openai-agents/index.ts'
import * as syntha from './compat/syntha/index.ts'
import * as context from './context.ts'
import * as main from './index.ts'
import {
  type Context,
  createTroupe,
  defineAgent,
  LlmAgent,
  type Messages,
  patterns,
  type Run,
  type Runs,
  type Troupe,
} from './index.ts'
import * as operations from './operations.ts'
import * as mcp from './protocols/mcp/index.ts'
import * as resilience from './resilience.ts'
import * as server from './server/index.ts'
import * as testing from './testing/index.ts'
import * as tools from './tools.ts'

const entries: Readonly<Record<string, object>> = {
  main,
  client,
  context,
  operations,
  resilience,
  tools,
  server,
  mcp,
  testing,
  aiSdk,
  decorators,
  functionAgents,
  langGraph,
  marsys,
  openAiAgents,
  syntha,
}

/** An application's own functions around public calls. That they compile is part of the test. */
const resolved = (
  run: Run,
  effect: Pick<Runs.UncertainEffectOfRun, 'step' | 'call'>,
  resolution: Runs.Resolution,
): Promise<void> => run.resolve(effect, resolution)
const makeBackup = (troupe: Troupe, folder: string): Promise<operations.BackupManifest> => troupe.backup(folder)
const pushes = (keys: readonly string[]): readonly Context.BatchOperation[] =>
  keys.map((key) => ({ type: 'push', key, value: key.length }))
const waiting = ({ waiting: count }: Messages.MailboxCounts): number => count

it('An application can name in its own functions what public calls take and return.', async () => {
  await using troupe = await createTroupe({ storage: 'memory:', log: 'silent' })
  const ada = troupe.user('ada')
  await ada.context.batch(pushes(['a', 'bb']))
  expect(await ada.context.get('bb')).toBe(2)
  expect(waiting(await ada.agent('A').mailbox.counts())).toBe(0)
  const agent = defineAgent({ name: 'A', run: async () => 1 })
  const run = await ada.orchestra.start({ task: 't', topology: patterns.pipeline({ stages: [{ agents: [agent] }] }) })
  await run.result()
  await expect(resolved(run, { step: 'none', call: 'none' }, { happened: false })).rejects.toThrow()
  await expect(makeBackup(troupe, 'nowhere')).rejects.toThrow(/in memory/)
})

it('A class that several entries export is one class, except the two that the Syntha entry has of its own.', () => {
  const own = [syntha.ContextMesh, syntha.ToolHandler] as readonly unknown[]
  const classes = new Map<string, unknown>()
  for (const entry of Object.values(entries))
    for (const [name, value] of Object.entries(entry)) {
      if (typeof value !== 'function' || own.includes(value)) continue
      expect([name, value === (classes.get(name) ?? value)]).toEqual([name, true])
      classes.set(name, value)
    }
  expect(syntha.SynthaError).toBe(main.TroupeError)
  expect(context.TroupeError).toBe(main.TroupeError)
  expect(new main.NotFoundError('There is no such run.')).toBeInstanceOf(context.TroupeError)
})

it('An application cannot construct what it gets from a troupe, and reads no interior of an agent.', () => {
  // @ts-expect-error Runs come from `orchestra.start` and `orchestra.get`.
  expect(() => new main.Run()).toThrow()
  // @ts-expect-error An orchestra is `user.orchestra`.
  expect(() => new main.Orchestra()).toThrow()
  // @ts-expect-error Schedules are `user.schedules`.
  expect(() => new main.Schedules()).toThrow()
  // @ts-expect-error A session comes from `user.session`.
  expect(() => new main.Session()).toThrow()
  // @ts-expect-error A mesh is `user.context`, or comes from `openContext`.
  expect(() => new main.ContextMesh()).toThrow()
  // @ts-expect-error Tools are `agentHandle.tools`.
  expect(() => new main.ToolHandler()).toThrow()
  const agent = new LlmAgent({ name: 'A', model: 'offline/extractive' })
  expect(Object.keys(agent)).toEqual([])
})
