/** An object of each exported class, made correctly; a class that has none here fails the suite. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { constructionsOf } from '../reliability/outside/fuzz/constructions.ts'
import type { LibraryUnderTest } from '../reliability/outside/fuzz/library.ts'
import type { Testbed } from '../reliability/outside/fuzz/open-testbed.ts'
import type { Exports } from './built-entries.ts'

export interface Parts {
  readonly library: LibraryUnderTest
  readonly entries: ReadonlyMap<string, Exports>
  readonly testbed: () => Testbed
  readonly folder: string
}

type Syntha = typeof import('troupe/compat/syntha')
type Documents = typeof import('../../src/documents.ts')

/** Objects that an exported function returns, with the methods of no exported class. */
export const returnedObjects = ({ library, entries, testbed }: Parts): Readonly<Record<string, () => unknown>> => {
  const { createClient } = entries.get('./client') as unknown as typeof import('../../src/client/index.ts')
  const client = createClient({ fetch: async () => new Response('{"items":[]}'), retries: 0, reconnects: 0 })
  return {
    client: () => client,
    agent: () => testbed().agent,
    ids: () => library.createIds(library.systemClock, library.systemRandom),
    random: () => library.seededRandom('x'),
    virtualClock: () => library.createVirtualClock(),
  }
}

/** By the name of the class; those of `troupe/compat/syntha` by `syntha.` and the name. */
export async function classObjects(parts: Parts): Promise<Readonly<Record<string, () => unknown>>> {
  const { library, entries, testbed, folder } = parts
  const made = constructionsOf(library)
  const syntha = entries.get('./compat/syntha') as unknown as Syntha
  const { DocumentIndex } = entries.get('./documents') as unknown as Documents
  const documents = join(folder, 'documents')
  mkdirSync(documents)
  writeFileSync(join(documents, 'one.md'), '# Retries\n\nRetries are bounded by a policy.\n')
  const index = await DocumentIndex.open({ folders: [documents] })
  const testCase = await library.AgentTestCase.open()
  const exported = library.openExport(JSON.stringify(await testbed().user.orchestra.export(testbed().run.id)))
  let [calls, current] = [0, new syntha.ContextMesh({ user_id: 'ada' })]
  // A mesh opens a troupe at its first use, and `close` ends it.
  const mesh = () => {
    if (++calls % 100 === 0) current = new syntha.ContextMesh({ user_id: 'ada' })
    return current
  }
  return {
    AgentFactory: made.factory,
    AgentPool: made.agentPool,
    AgentTestCase: () => testCase,
    Approvals: () => testbed().user.approvals,
    BatchProcessor: made.batches,
    CircuitBreaker: made.breaker,
    ContextMesh: () => testbed().user.context,
    DocumentIndex: () => index,
    EpisodicMemory: made.episodicMemory,
    Experiments: () => testbed().user.experiments,
    HealthMonitor: made.healthMonitor,
    LastKnownGood: made.lastKnownGood,
    LlmAgent: () => new library.LlmAgent({ name: 'L', model: 'offline/extractive', instructions: 'x' }),
    LoadTester: () => new library.LoadTester(async () => 1),
    MetricsCollector: made.metricsCollector,
    MockModel: () => new library.MockModel({ responses: ['x'] }),
    MockRemoteAgent: () => new library.MockRemoteAgent({ responses: ['x'] }),
    OpenedRun: () => exported,
    Orchestra: () => testbed().user.orchestra,
    Pool: made.pool,
    RateLimiter: made.limiter,
    ReferenceContext: () => new library.ReferenceContext(() => 0),
    ReferenceMailbox: () => new library.ReferenceMailbox({ leaseMs: 10, maxAttempts: 3, maxCount: 5 }),
    Run: () => testbed().run,
    Schedules: () => testbed().user.schedules,
    ScriptedToolHandler: () => new library.ScriptedToolHandler({ look: { success: true } }),
    Session: () => testbed().user.session(testbed().agent),
    StateMachine: made.stateMachine,
    ToolHandler: () => testbed().user.agent('Tools').tools,
    Tracer: made.tracer,
    Worker: made.worker,
    WorkingMemory: made.workingMemory,
    'syntha.ContextMesh': mesh,
    'syntha.SynthaToolFactory': () =>
      new syntha.SynthaToolFactory(new syntha.ToolHandler(testbed().user as never, 'S')),
    'syntha.ToolHandler': () => new syntha.ToolHandler(testbed().user as never, 'S'),
  }
}
