/**
 * Writes docs/defaults.md: every default that a guide names, and ours, read from the table of settings or from the line of
 * the code where it stands. A test keeps the page equal, and a default that moved fails it.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { settingAt } from '../packages/troupe/src/configuration/settings/settings.ts'
import { defaultRules } from '../packages/troupe/src/observability/index.ts'

export const defaultsDoc = fileURLToPath(new URL('../docs/defaults.md', import.meta.url))
const sources = fileURLToPath(new URL('../packages/troupe/src/', import.meta.url))

interface Default {
  readonly what: string
  /** By guide: 1 and 2 Syntha, 3 LlmAgent, 4 MARSYS, 5 Ceylon. */
  readonly guides: string
  readonly ours: string
  /** Where ours differs, or where guides do; what it bounds. */
  readonly why?: string
}

const setting = (path: string): string => {
  const found = settingAt(path)
  if (!found) throw new Error(`there is no setting ${path}`)
  return found.standard === undefined ? 'not set' : String(found.standard)
}
const code = (file: string, pattern: RegExp): string => {
  const found = pattern.exec(readFileSync(`${sources}${file}`, 'utf8'))?.[1]
  if (found === undefined) throw new Error(`${file} has no ${pattern}`)
  return found.replaceAll('_', '').replaceAll("'", '')
}
const alert = (name: string): string => {
  const found = defaultRules.find((rule) => rule.name === name)
  if (!found) throw new Error(`there is no alert ${name}`)
  return `${found.statistic} above ${found.above}`
}

const resilience: readonly Default[] = [
  {
    what: 'attempts, the first one included',
    guides: '3 (1, 5), 3 retries (4)',
    ours: code('resilience/retry.ts', /options\.attempts \?\? (\d+)/),
  },
  { what: 'attempts of one model', guides: '3 (1)', ours: setting('models.attempts') },
  {
    what: 'seconds after which a tool that took too long is worth another call, `retry_after`',
    guides: '30 (1)',
    ours: code('tools/handler/execute-tool-call.ts', /'timeout' \? (\d+)/),
  },
  {
    what: 'failures in a row that open a breaker',
    guides: '5 (1, 5)',
    ours: code('resilience/circuit-breaker.ts', /options\.failures \?\? (\d+)/),
  },
  {
    what: 'how long a breaker stays open',
    guides: '60 s (1, 5)',
    ours: code('resilience/circuit-breaker.ts', /options\.pause \?\? ('\w+')/),
  },
  {
    what: 'calls of a `RateLimiter`, in its window',
    guides: '60 a minute (3)',
    ours: `${code('resilience/rate-limiter.ts', /options\.limit \?\? (\d+)/)} in ${code('resilience/rate-limiter.ts', /options\.window \?\? ('\w+')/)}`,
  },
  {
    what: 'calls of models within a minute',
    guides: '60 (3)',
    ours: setting('models.limits.*.perMinute'),
    why: 'a provider says itself what it allows, and its pauses are kept; `AGENT_RATE_LIMIT` sets a bound',
  },
  {
    what: 'items of a `BatchProcessor`',
    guides: '10 (1, 3), 100 (5)',
    ours: code('resilience/pools/batch-processor.ts', /options\.size \?\? (\d+)/),
    why: 'the smaller: few wait for many; a handler of a worker names its own size',
  },
  {
    what: 'how long the first item of a batch waits',
    guides: '1 s (3), 5 s (1)',
    ours: code('resilience/pools/batch-processor.ts', /options\.wait \?\? ('\w+')/),
    why: 'the shorter: a caller waits for the answer',
  },
  {
    what: 'answers of a `Cache`, and for how long',
    guides: '1000, 3600 s (3, 4)',
    ours: `${code('resilience/pools/cache.ts', /options\.max \?\? ([\d_]+)/)}, ${code('resilience/pools/cache.ts', /options\.ttl \?\? ('\w+')/)}`,
  },
  { what: 'answers of models that are kept', guides: '1000 (3, 4)', ours: setting('models.cache.max') },
  { what: 'for how long', guides: '3600 s (3, 4)', ours: setting('models.cache.ttl') },
  {
    what: 'resources of a `Pool`, and more while wanted',
    guides: '20, 30 (2)',
    ours: `${code('resilience/pools/pool-options.ts', /options\.size \?\? (\d+)/)}, ${code('resilience/pools/pool-options.ts', /options\.overflow \?\? (\d+)/)}`,
  },
  {
    what: 'how long one waits for a resource, and how old it may be',
    guides: '30 s, 3600 s (2)',
    ours: `${code('resilience/pools/pool-options.ts', /options\.acquireTimeout \?\? ('\w+')/)}, ${code('resilience/pools/pool-options.ts', /options\.(?:maxAge|lifetime|recycle|maxLifetime) \?\? ('\w+')/)}`,
  },
  {
    what: 'a load test: requests at once, in all',
    guides: '10, 100 (3)',
    ours: `${code('resilience/pools/load-tester.ts', /options\.concurrent \?\? (\d+)/)}, ${code('resilience/pools/load-tester.ts', /options\.total \?\? (\d+)/)}`,
  },
]

const storage: readonly Default[] = [
  {
    what: 'connections to PostgreSQL that are kept',
    guides: '20 (2), 50 at scale (2), 10 to 20 (4)',
    ours: setting('storage.poolSize'),
    why: 'changes of a user share a transaction, so that fewer do as much; three processes of 30 would take most of the 100 that a server has',
  },
  {
    what: 'more of them while all are in use',
    guides: '30 (2), 100 at scale (2)',
    ours: setting('storage.poolOverflow'),
    why: 'as above; waiting a moment is cheaper than a new connection',
  },
  {
    what: 'how long a change waits for a connection',
    guides: '30 s (2)',
    ours: setting('storage.acquireTimeout'),
    why: 'shorter than the timeouts of the callers that wait for it',
  },
  {
    what: 'the age at which a connection is replaced',
    guides: '3600 s (2), 1800 s at scale (2)',
    ours: setting('storage.recycle'),
    why: 'the shorter: credentials and addresses change',
  },
  {
    what: 'how long a read is answered from memory',
    guides: '300 s (1)',
    ours: 'not set',
    why: 'what is held is let go of with the write that changes it, so that none is ever old',
  },
  {
    what: 'between clean-ups of expired entries',
    guides: '300 s (1, 2), 60 s at scale (2)',
    ours: setting('context.cleanup'),
    why: 'an expired entry is invisible at once; this only frees its place',
  },
  {
    what: 'lifecycles `session`, `cache`, `temporary`, `daily`',
    guides: '1 h, 30 m, 5 m, 1 d (1)',
    ours: ['session', 'cache', 'temporary', 'daily']
      .map((name) => code('context/entries/lifecycle.ts', new RegExp(`${name}: \\{ ttl: ('\\w+')`)))
      .join(', '),
  },
]

const seeing: readonly Default[] = [
  {
    what: 'between looks at its own health',
    guides: '60 s (1), 30 s (4), 0 is off (1)',
    ours: setting('health.every'),
    why: 'probes and pages ask, and answers are kept for 10 s; `SYNTHA_HEALTH_CHECK_INTERVAL` and `health.every` look unasked',
  },
  {
    what: 'how long a check of health may take',
    guides: '5 s (3)',
    ours: code('observability/health/health-monitor.ts', /options\.timeout \?\? ('\w+')/),
  },
  {
    what: 'how late an answer of the context is slow',
    guides: '1 s (1)',
    ours: setting('health.lag'),
  },
  {
    what: 'the share of memory and of disk that is too much',
    guides: '90 % (3)',
    ours: `${setting('health.memory')}, ${setting('health.disk')}`,
  },
  {
    what: 'how long recorded metrics and traces are kept',
    guides: '3600 s (1)',
    ours: `${setting('retention.metrics')}, ${setting('traces.retention')}`,
    why: 'an incident is looked into days later; `SYNTHA_METRICS_RETENTION` is for metrics',
  },
  { what: 'alert: slow calls, in ms', guides: '1 s (1)', ours: alert('slow-calls') },
  { what: 'alert: failing calls', guides: '5 % (1)', ours: alert('failing-calls') },
  {
    what: 'alert: memory',
    guides: '80 % (1), 90 % (4)',
    ours: `${alert('memory')}, critical: ${alert('memory-critical')}`,
    why: 'both',
  },
  { what: 'alert: messages waiting', guides: '1000 (1)', ours: alert('queue') },
  { what: 'alert: slow steps, in ms', guides: 'p99 of 5 s (4)', ours: alert('slow-steps') },
  {
    what: 'the window of a summary',
    guides: '300 s (1)',
    ours: 'not set',
    why: 'all that is kept, the latest thousand values; `summary(name, { window })` looks at less',
  },
  {
    what: 'the slowest operations of a report',
    guides: '5 (1)',
    ours: code('observability/performance.ts', /slowest = (\d+)/),
  },
  {
    what: 'between exports of metrics',
    guides: '60 s (4)',
    ours: code('observability/otlp/otlp-exporter.ts', /every \?\? ('\w+'), 'otlp\.every'/),
  },
  {
    what: 'the level of the log',
    guides: 'INFO (1, 2, 3, 4)',
    ours: setting('log'),
    why: 'a library is quiet; the image logs more',
  },
  {
    what: 'how long refused actions are kept',
    guides: '24 h (1)',
    ours: code('security/audit/audit-config.ts', /retention = ('\w+')/),
    why: 'with the rest of the audit log; 24 h is the least',
  },
]

/** `createEgress`, and so the `fetch` of tools. */
const egressDefaults: readonly Default[] = [
  {
    what: 'connections to one host',
    guides: '20 (3)',
    ours: code('security/egress/egress.ts', /connections = (\d+)/),
  },
  {
    what: 'connections to all hosts',
    guides: '100 (3)',
    ours: 'not set',
    why: 'a bound over all would let one slow host hold up the others; `egress.allow` says which hosts there are',
  },
  {
    what: 'how long an idle connection is kept',
    guides: '60 s (3)',
    ours: code('security/egress/egress.ts', /keepAlive = ('\w+')/),
  },
]

const agents: readonly Default[] = [
  {
    what: 'episodes of an `EpisodicMemory`',
    guides: '100 (4)',
    ours: code('agents/memory/episodic-index.ts', /maxEpisodes \?\? (\d+)/),
  },
  {
    what: 'items of a `WorkingMemory`',
    guides: '7 (4)',
    ours: code('agents/memory/working-memory.ts', /capacity \?\? (\d+)/),
  },
  {
    what: 'instances of an `AgentPool`',
    guides: '10 (4)',
    ours: code('agents/definitions/agent-pool.ts', /poolOptions\.size \?\? (\d+)/),
    why: 'a definition serves any number at once; a pool is for what is dear to make, so fewer',
  },
  {
    what: 'how long an instance of it may be idle',
    guides: '300 s (4)',
    ours: 'not set',
    why: 'what is dear to make stays until the pool closes; `maxIdle` lets go of it',
  },
  {
    what: 'branches at once',
    guides: '10 (4)',
    ours: code('topology/canonical/run-config.ts', /defaultParallelBranches = (\d+)/),
  },
  {
    what: 'how long a join waits',
    guides: '60 s (4)',
    ours: 'not set',
    why: 'a minute would cut off branches that work; `deadline` of a node or the config sets one',
  },
  {
    what: 'tokens and temperature of an answer',
    guides: '1000, 0.7 (3)',
    ours: `${setting('models.defaults.maxOutputTokens')}, ${setting('models.defaults.temperature')}`,
    why: 'what the model has of itself: an answer cut off at 1,000 tokens is an unexpected failure; `AGENT_MAX_TOKENS` and `AGENT_TEMPERATURE` set both',
  },
  {
    what: 'characters of a validated text',
    guides: '1000 (3)',
    ours: code('security/validation/validators.ts', /min = 0, max = ([\d_]+)/),
  },
]

const serving: readonly Default[] = [
  {
    what: 'connections to the server, `MAX_CONNECTIONS`',
    guides: '100 (5)',
    ours: setting('server.maxConnections'),
    why: 'it bounds what clients hold open to `serve`, streams of events among them, and a page holds several; not connections to the database, `storage.poolSize`',
  },
  {
    what: 'how long a message may be worked on, `MESSAGE_TIMEOUT`',
    guides: '30 s (5)',
    ours: setting('messaging.lease'),
    why: 'it bounds a delivery: who has not acknowledged it by then, or asked for longer, loses it to the next attempt',
  },
  {
    what: 'requests of a caller of the server',
    guides: '100 a minute (4)',
    ours: `${setting('server.rateLimit.max')} in ${setting('server.rateLimit.window')}`,
  },
  {
    what: 'days after which an API key is to be rotated',
    guides: '30 (4)',
    ours: code('security/api-keys/api-keys.ts', /agedDays = (\d+)/),
    why: 'the event `key.rotation-due` reports it; the key stays valid',
  },
  { what: 'the port of the server', guides: '8000 (2, 4)', ours: setting('server.port') },
  {
    what: 'how long a shutdown may take',
    guides: 'no figure (3)',
    ours: setting('shutdown.timeout'),
    why: 'under the 30 s after which Kubernetes kills',
  },
]

const table = (rows: readonly Default[]) => [
  '| what | guides | Troupe | why |',
  '|---|---|---|---|',
  ...rows.map(({ what, guides, ours, why = '' }) => `| ${what} | ${guides} | ${ours} | ${why} |`),
]

/** The page's text. */
export const renderDefaults = (): string =>
  [
    '# Defaults',
    '',
    'What the guides of four frameworks name as defaults, what Troupe takes, and why where it differs or they do. In brackets: 1 and 2',
    'Syntha, 3 the LlmAgent framework, 4 MARSYS, 5 Ceylon. All settings are in [settings.md](settings.md). Written by',
    '`node scripts/defaults-doc.ts` from the code.',
    '',
    '## Resilience and caches',
    '',
    ...table(resilience),
    '',
    '## Storage and context',
    '',
    ...table(storage),
    '',
    '## What is seen',
    '',
    ...table(seeing),
    '',
    '## Going out',
    '',
    ...table(egressDefaults),
    '',
    '## Agents and runs',
    '',
    ...table(agents),
    '',
    '## Serving',
    '',
    ...table(serving),
    '',
  ].join('\n')

if (import.meta.main) writeFileSync(defaultsDoc, renderDefaults())
