/** Valid arguments of the library's functions and methods, by name, for the fuzzer to spoil. */
import { z } from 'zod'
import type { LibraryUnderTest } from './library.ts'

export type Arguments = readonly (readonly unknown[])[]
export type ArgumentsByName = Readonly<Record<string, Arguments>>

/** What stands for the id of a run that has ended. */
export const runId = 'RUN'

const page = { limit: 5, cursor: 'x' }

/** Of methods, whatever object they are of. */
export function argumentsOfMethods(library: LibraryUnderTest, folder: string): ArgumentsByName {
  const { agent, topology, Note, Ask } = fixturesOf(library)
  const { Worker } = library
  const start = {
    task: { a: 1 },
    topology,
    id: 'r-1',
    tags: ['a'],
    config: {
      budget: { steps: 5, time: '1s', cost: 1, tokens: 100, depth: 3, hops: 5, branches: 9 },
      timeouts: { step: '1s', run: '1s' },
      onError: { '*': { retry: { attempts: 2, backoff: '10ms' } } },
      join: 'all',
      guards: {},
    },
  }
  const filter = { prefix: 'c', limit: 10, topics: ['t'], pattern: 'a*', status: 'failed', tags: ['x'], agent: 'A' }
  return {
    effect: [['pay', { class: 'idempotent', input: { a: 1 }, key: 'k' }, async () => ({ paid: 1 })]],
    ask: [[{ text: 'Go on?', options: ['yes', 'no'], timeout: '1h' }]],
    startRun: [[start]],
    declassify: [[{ a: 1 }, 'it was read']],
    push: [
      [
        'k.1',
        { a: [1, 'x'] },
        { subscribers: ['A'], topics: ['t'], ttl: '1h', writers: ['B'], metadata: { a: 1 }, ifVersion: 0 },
      ],
      ['k.2', 'v', { audience: 'owner', lifecycle: 'session' }],
    ],
    get: [['canary', { maxAge: '1m' }]],
    getEntry: [['canary', {}]],
    getMany: [[['canary', 'k.1'], {}]],
    list: [[filter], [page], [{ limit: 1 }]],
    keys: [[{ limit: 10 }], [{ limit: 1 }]],
    update: [['canary', (value: unknown) => value, { ttl: '1h' }]],
    delete: [['k.9', { ifVersion: 1 }]],
    batch: [
      [
        [
          { type: 'push', key: 'b.1', value: { x: 1 }, ttl: '1h' },
          { type: 'get', key: 'b.1' },
          { type: 'delete', key: 'b.2' },
        ],
        { atomic: true },
      ],
    ],
    history: [
      ['canary', page],
      ['canary', { limit: 1 }],
    ],
    watch: [[{ pattern: 'a*', from: 1 }]],
    subscribe: [[['t'], {}]],
    unsubscribe: [[['t'], {}]],
    setTopicPolicy: [['board', { subscribe: ['Boss'], post: ['Boss'] }, {}]],
    send: [
      [
        Note,
        { a: 1 },
        { to: 'Stock', priority: 'high', ttl: '1h', delay: '1s', dedupeId: 'd', threadId: 't', metadata: { a: 1 } },
      ],
    ],
    broadcast: [[Note, 1, { to: ['A', 'B'], role: 'worker' }]],
    publish: [[Note, 1, { topic: 't' }]],
    request: [[Ask, 1, { to: 'A', timeout: '20ms' }]],
    batched: [[{ size: 10, wait: '10ms', flushOn: 'high' }]],
    receive: [[{ max: 2, wait: '5ms', types: [Note, 'x'] }]],
    messages: [[{ unreadOnly: true, from: 'A', type: 'note', limit: 5, order: 'priority', priority: 'low' }]],
    total: [[{ from: 'A' }]],
    markRead: [[['id1'], {}]],
    confirmRead: [[[{ id: 'x', from: 'A' }], {}]],
    deadLetters: [[page]],
    redrive: [['id', {}]],
    start: [[start], [new Worker('W')]],
    run: [[{ task: 'x', topology, config: { budget: { steps: 3 } } }], ['hello', {}]],
    check: [[topology, { budget: { steps: 4 } }]],
    verifyReplay: [[runId, {}]],
    compare: [[runId, runId, {}]],
    at: [[runId, 3, {}]],
    export: [[runId, { redact: 'secrets' }], [{ format: 'json' }]],
    why: [[runId, {}]],
    undo: [[runId, { steps: ['1#1'] }]],
    fork: [
      [runId, { at: 3, edit: { results: { Echo: 'x' }, answers: { q: 1 }, prompts: { Echo: 'p' } }, id: 'f1' }],
      [{ at: 3, id: 'f2' }],
    ],
    evaluate: [
      [{ runs: { tags: ['n'] }, change: { model: 'a/b' }, score: 'exact', budget: { cost: 1 }, limit: 2, id: 'e' }],
    ],
    result: [[{}]],
    events: [[{ from: 1 }]],
    live: [[{}]],
    breakAt: [[['error', { agent: 'A' }, { seq: 4 }], { id: 'x' }]],
    calls: [['1#1', {}]],
    edit: [[{ results: { '1#1': 1 } }, {}]],
    retry: [[{ from: '1', budget: { cost: 1 }, id: 'q' }]],
    answer: [['q', { approve: true }, { id: 'x' }]],
    resolve: [[{ step: '1#1', call: 'c' }, { happened: true, output: 1 }, {}]],
    reconfigure: [[{ log: 'silent', models: { limits: { openai: { perMinute: 3 } } } }, {}]],
    rateLimiter: [[{ name: 's', limit: 5, window: '1m' }]],
    health: [[{ fresh: true }]],
    doctor: [[{ production: true, only: ['x'] }]],
    user: [['ada2']],
    on: [
      ['run.*', () => {}],
      ['change', () => {}],
    ],
    forget: [['nobody', {}], [() => false]],
    versions: [[{ limit: 10 }]],
    backup: [[`${folder}/backup`, {}]],
    redact: [['text']],
    create: [[{ name: 'key', scopes: ['read'], user: 'ada' }], [{ every: '1d', task: 'x', topology, id: 's1' }]],
    record: [
      [{ actor: 'host', operation: 'import', allowed: true, resource: 'r' }],
      ['orders', 1, { labels: { a: 'b' } }],
    ],
    cached: [[async () => 1, { key: ['a'], ttl: '1m' }]],
    agent: [['Sales', { role: 'readonly', allow: ['push_context'], deny: ['x'] }]],
    supervise: [
      [[() => new Worker('SW')], { strategy: 'one-for-all', restarts: { max: 1, within: '1m' }, backoff: '10ms' }],
    ],
    acceptAnswers: [[{ from: ['D'], approvals: ['D'] }]],
    memory: [['Support', { maxEpisodes: 5, capacity: 5 }]],
    session: [[agent, { threadId: 't' }]],
    add: [['text', { importance: 1 }], [{ role: 'user', content: 'x' }]],
    retrieveSimilar: [['q', { limit: 3 }]],
    working: [['t1']],
    take: [[{ user: 'a', agent: 'b', key: 'c' }]],
    execute: [
      ['push_context', { key: 'a', value: 1 }],
      [async () => 1, { key: 'x' }],
    ],
    call: [['get_context', { key: 'canary' }]],
    generate: [['hello', {}]],
    chat: [['hello', {}]],
    stream: [['hello', {}]],
    rotate: [[{ id: 'k2', secret: 'y'.repeat(40) }, { overlap: '1h' }]],
    revoke: [['k1']],
    fetch: [['http://127.0.0.1:1/', { method: 'GET', headers: { a: 'b' } }]],
    register: [['n', async () => true, { critical: true }]],
    time: [['x', { a: 1 }]],
    use: [[async () => 1, {}]],
    acquire: [[{ key: 'x' }]],
    transition: [['b']],
    inclusion: [[1, 2]],
    consistency: [[1, 2]],
    trigger: [['s', { id: 'x' }]],
    increment: [['orders', { labels: { a: 'b' } }]],
    onConnect: [['*', () => {}]],
    onDisconnect: [['*', () => {}]],
    onBatch: [[Note, { size: 2, wait: '1s' }, () => {}]],
  }
}

export const fixturesOf = (library: LibraryUnderTest) => {
  const agent = library.defineAgent({ name: 'Echo', run: async (input) => input as never })
  const other = library.defineAgent({ name: 'Other', run: async () => 'x' })
  const topology = library.patterns.pipeline({ stages: [{ agents: [agent] }] })
  return { agent, other, topology, Note: library.defineMessage('note'), Ask: library.defineMessage('ask') }
}

/** Of classes. */
export function argumentsOfConstructors(library: LibraryUnderTest): ArgumentsByName {
  const { agent } = fixturesOf(library)
  return {
    Worker: [
      [
        'W',
        {
          role: 'r',
          topics: ['t'],
          concurrency: 2,
          retry: { attempts: 3, backoff: '1s' },
          access: { role: 'readonly' },
        },
      ],
    ],
    LlmAgent: [[{ name: 'L', model: 'openai/gpt', instructions: 'x', tools: [], memory: {}, settings: {} }]],
    CircuitBreaker: [[{ failures: 3, pause: '1s' }]],
    RateLimiter: [[{ limit: 3, window: '1s' }]],
    Pool: [[{ create: () => 1, max: 2, validate: () => true }]],
    LastKnownGood: [[{ maxAge: '1h', mayStillSee: () => true }]],
    BatchProcessor: [[{ size: 3, wait: '5ms', process: async (items: unknown) => items }]],
    LoadTester: [[async () => 1, {}]],
    AgentPool: [[{ agent, size: 2, name: 'P' }]],
    AgentFactory: [[]],
    EpisodicMemory: [[{ maxEpisodes: 3 }]],
    WorkingMemory: [[{ capacity: 3 }]],
    StateMachine: [[{ initial: 'a', transitions: { a: ['b'], b: [] } }]],
    Tracer: [[{ states: true }]],
    HealthMonitor: [[{ changed: () => {} }]],
    MetricsCollector: [[]],
    MockModel: [[{ responses: ['x', { text: 'y', toolCalls: [{ name: 't', args: {} }] }] }]],
    MockRemoteAgent: [[{ responses: ['x'] }]],
  }
}

type AnyAgent = ReturnType<typeof fixturesOf>['agent' | 'other']

/** The options of each pattern. */
const argumentsOfPatterns = (agent: AnyAgent, other: AnyAgent): Readonly<Record<string, unknown>> => ({
  pipeline: { stages: [{ agents: [agent, other], parallel: true }], config: { budget: { steps: 3 } } },
  hubAndSpoke: { hub: agent, spokes: [other], parallelSpokes: true },
  hierarchical: { root: agent, tree: { Echo: [other] } },
  mesh: { agents: [agent, other], entry: agent },
  star: { center: agent, points: [other] },
  ring: { agents: [agent, other], rounds: 2 },
  broadcast: { broadcaster: agent, receivers: [other], allowReplies: true },
  supervisor: { supervisor: agent, workers: [other] },
  swarm: { agents: [agent, other], entry: agent },
  router: { routes: { a: agent, b: other }, by: 'type' },
  mapReduce: { split: () => [], map: agent, reduce: other },
  vote: { voters: [agent, other], quorum: 2 },
  blackboard: { agents: [agent, other], until: () => true },
  planAndExecute: { planner: agent, executor: other },
  loop: { body: agent, check: other, max: 3 },
})

/** Of exported functions. */
export function argumentsOfFunctions(library: LibraryUnderTest, folder: string): ArgumentsByName {
  const { agent, other, topology, Note } = fixturesOf(library)
  const text = z.object({ a: z.string() })
  const form = {
    agents: [agent, other],
    flows: ['Start -> Echo', 'Echo <-> Other', 'Echo -> End'],
    nodes: { Echo: { join: { quorum: 1 }, deadline: '1s' } },
    edges: { 'Echo <-> Other': { maxTurns: 3 } },
  }
  const config = {
    ...{ storage: 'memory:', log: 'silent', agents: [agent], retention: { replay: '1d', runs: '9d' } },
    messaging: { lease: '1s', maxAttempts: 3, capacity: { count: 5, bytes: 1_000 }, backpressure: 'wait' },
    context: { limits: { entries: 5 }, lifecycles: { x: { ttl: '1h', pattern: 'a.*' } } },
    ...{ policies: { tools: { '*': { timeout: '1s' } } }, models: { limits: { openai: { perMinute: 3 } } } },
    ...{
      roles: {},
      presence: { heartbeat: '1s' },
      audit: {},
      egress: { allow: ['a.com'] },
      shutdown: { timeout: '1s' },
    },
  }
  const ofPatterns = argumentsOfPatterns(agent, other)
  const patterns = Object.keys(library.patterns).map(
    (name) => [`patterns.${name}`, [[ofPatterns[name] ?? {}]]] as const,
  )
  const validators = Object.keys(library.validators).map(
    (name) => [`validators.${name}`, [[{ min: 1, max: 3, pattern: 'a*', allow: ['x'] }], [3], ['a*']]] as const,
  )
  return {
    ...Object.fromEntries([...patterns, ...validators]),
    defineKey: [['orders.{id}.status', text]],
    defineMessage: [
      ['m', text, { reply: z.number(), version: 2, upcast: { 1: (old: unknown) => old }, extends: Note }],
    ],
    defineAgent: [[{ name: 'A', run: async () => 1, description: 'd', inputSchema: z.string(), role: 'readonly' }]],
    defineTool: [[{ name: 't', description: 'd', inputSchema: text, effect: 'read', execute: () => 1 }]],
    defineRemoteAgent: [[{ name: 'R', port: { send: async () => ({}) } }]],
    defineTopology: [
      [form, { agents: [agent] }],
      [topology.toJSON(), { agents: [agent] }],
    ],
    defineConfig: [[{ storage: 'memory:' }]],
    createTroupe: [[config]],
    openContext: [[{ storage: 'memory:' }]],
    createEgress: [[{ allow: ['a.com'], deny: ['b.com'] }]],
    finish: [[{ a: 1 }]],
    handOff: [['A', 1], [{ agent: 'A', input: 1 }]],
    invoke: [[[{ agent: 'A', input: 1 }]]],
    buildSystemPrompt: [[{ agent: 'A', tools: [], role: 'x' }]],
    mergeTools: [[[], []]],
    escapeForPrompt: [['x']],
    escapeHtml: [['<a>']],
    escapeMarkdown: [['*a*']],
    escapeTerminal: [['\u001b[0m']],
    secretRef: [['NAME']],
    bytesSchema: [[{ max: 5 }]],
    openExport: [['{"a":1}', {}]],
    formatTrace: [[{ spans: [{ id: 'a', name: 'n', start: 1, end: 2 }] }]],
    showConfig: [[{ storage: 'memory:' }]],
    examineConfig: [[{ storage: 'memory:' }]],
    examineProject: [[folder, {}]],
    loadConfig: [[{ cwd: folder, env: {} }]],
    postgresFromEnvironment: [[{ DATABASE_URL: 'postgres://a:b@h/d', DB_PORT: '5432' }]],
    verifyAudit: [[{ path: folder }]],
    verifyBackup: [[`${folder}/none`, {}]],
    restoreBackup: [[`${folder}/none`, { storage: 'memory:' }]],
    executionConfig: [[{ deadline: 3, autoRetryOnError: true }]],
    fromFunction: [[{ name: 'F', run: () => 1 }]],
    seededRandom: [['seed']],
    serve: [[{} as unknown, { port: 0, host: '127.0.0.1', origins: ['http://a.test'], key: 'k'.repeat(32) }]],
    serveMetrics: [[{} as unknown, { port: 0, host: '127.0.0.1' }]],
    defineMcpTools: [[{ name: 'shop', server: { url: 'http://127.0.0.1:1/' }, allow: ['look'] }]],
  }
}
