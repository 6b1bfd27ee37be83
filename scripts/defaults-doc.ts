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
    what: 'attempts of a retry, the first included',
    guides: '3 (1, 5), 3 retries (4)',
    ours: code('resilience/retry.ts', /options\.attempts \?\? (\d+)/),
  },
  { what: 'attempts of one model', guides: '3 (1)', ours: setting('models.attempts') },
  {
    what: '`retry_after` of a tool that timed out, in seconds',
    guides: '30 (1)',
    ours: code('tools/handler/execute-tool-call.ts', /'timeout'\) return (\d+)/),
  },
  {
    what: 'consecutive failures that open a circuit breaker',
    guides: '5 (1, 5)',
    ours: code('resilience/circuit-breaker.ts', /options\.failures \?\? (\d+)/),
  },
  {
    what: 'pause of an open circuit breaker',
    guides: '60 s (1, 5)',
    ours: code('resilience/circuit-breaker.ts', /options\.pause \?\? ('\w+')/),
  },
  {
    what: 'calls of a `RateLimiter`, in its window',
    guides: '60 a minute (3)',
    ours: `${code('resilience/rate-limiter.ts', /options\.limit \?\? (\d+)/)} in ${code('resilience/rate-limiter.ts', /options\.window \?\? ('\w+')/)}`,
  },
  {
    what: 'calls of a model per minute',
    guides: '60 (3)',
    ours: setting('models.limits.*.perMinute'),
    why: 'Troupe respects the limits of the provider; `AGENT_RATE_LIMIT` sets one',
  },
  {
    what: 'batch size of a `BatchProcessor`',
    guides: '10 (1, 3), 100 (5)',
    ours: code('resilience/pools/batch-processor.ts', /options\.size \?\? (\d+)/),
    why: 'smaller, so that items wait for fewer others; `onBatch` of a worker sets its own size',
  },
  {
    what: 'wait of the first item of a batch',
    guides: '1 s (3), 5 s (1)',
    ours: code('resilience/pools/batch-processor.ts', /options\.wait \?\? ('\w+')/),
    why: 'shorter, because a caller waits for the result',
  },
  {
    what: 'results and TTL of `cached`',
    guides: '1000, 3600 s (3, 4)',
    ours: `${code('resilience/pools/cache.ts', /options\.max \?\? ([\d_]+)/)}, ${code('resilience/pools/cache.ts', /options\.ttl \?\? ('\w+')/)}`,
  },
  { what: 'cached answers of models', guides: '1000 (3, 4)', ours: setting('models.cache.max') },
  { what: 'TTL of cached answers of models', guides: '3600 s (3, 4)', ours: setting('models.cache.ttl') },
  {
    what: 'size and overflow of a `Pool`',
    guides: '20, 30 (2)',
    ours: `${code('resilience/pools/pool-options.ts', /options\.size \?\? (\d+)/)}, ${code('resilience/pools/pool-options.ts', /options\.overflow \?\? (\d+)/)}`,
  },
  {
    what: 'acquisition timeout and lifetime of a resource',
    guides: '30 s, 3600 s (2)',
    ours: `${code('resilience/pools/pool-options.ts', /options\.acquireTimeout \?\? ('\w+')/)}, ${code('resilience/pools/pool-options.ts', /options\.(?:maxAge|lifetime|recycle|maxLifetime) \?\? ('\w+')/)}`,
  },
  {
    what: 'concurrent and total requests of a load test',
    guides: '10, 100 (3)',
    ours: `${code('resilience/pools/load-tester.ts', /options\.concurrent \?\? (\d+)/)}, ${code('resilience/pools/load-tester.ts', /options\.total \?\? (\d+)/)}`,
  },
]

const storage: readonly Default[] = [
  {
    what: 'permanent connections to PostgreSQL',
    guides: '20 (2), 50 at scale (2), 10 to 20 (4)',
    ours: setting('storage.poolSize'),
    why: 'changes of a user share a transaction, so fewer connections are enough; three processes of 30 would use most of the 100 of a server',
  },
  {
    what: 'additional connections while all are in use',
    guides: '30 (2), 100 at scale (2)',
    ours: setting('storage.poolOverflow'),
    why: 'as above; a short wait is cheaper than a new connection',
  },
  {
    what: 'wait for a connection',
    guides: '30 s (2)',
    ours: setting('storage.acquireTimeout'),
    why: 'shorter than usual timeouts of callers',
  },
  {
    what: 'maximum age of a connection',
    guides: '3600 s (2), 1800 s at scale (2)',
    ours: setting('storage.recycle'),
    why: 'shorter, because credentials and addresses change',
  },
  {
    what: 'TTL of the read cache',
    guides: '300 s (1)',
    ours: 'not set',
    why: 'a write removes the cached value, so that no value is stale',
  },
  {
    what: 'interval of the cleanup of expired entries',
    guides: '300 s (1, 2), 60 s at scale (2)',
    ours: setting('context.cleanup'),
    why: 'an expired entry is invisible at once; the cleanup only frees its space',
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
    what: 'interval of health checks',
    guides: '60 s (1), 30 s (4), 0 is off (1)',
    ours: setting('health.every'),
    why: 'checks run on request and are cached for 10 s; `SYNTHA_HEALTH_CHECK_INTERVAL` and `health.every` set an interval',
  },
  {
    what: 'timeout of a health check',
    guides: '5 s (3)',
    ours: code('observability/health/health-monitor.ts', /options\.timeout \?\? ('\w+')/),
  },
  {
    what: 'delay of the context that counts as slow',
    guides: '1 s (1)',
    ours: setting('health.lag'),
  },
  {
    what: 'used share of memory and disk that counts as degraded',
    guides: '90 % (3)',
    ours: `${setting('health.memory')}, ${setting('health.disk')}`,
  },
  {
    what: 'retention of metrics and traces',
    guides: '3600 s (1)',
    ours: `${setting('retention.metrics')}, ${setting('traces.retention')}`,
    why: 'incidents are often examined days later; `SYNTHA_METRICS_RETENTION` applies to metrics',
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
    what: 'window of a summary',
    guides: '300 s (1)',
    ours: 'not set',
    why: 'the latest thousand values; `summary(name, { window })` sets a window',
  },
  {
    what: 'slowest operations in a report',
    guides: '5 (1)',
    ours: code('observability/performance.ts', /slowest = (\d+)/),
  },
  {
    what: 'interval of metric exports',
    guides: '60 s (4)',
    ours: code('observability/otlp/otlp-exporter.ts', /every \?\? ('\w+'), 'otlp\.every'/),
  },
  {
    what: 'log level',
    guides: 'INFO (1, 2, 3, 4)',
    ours: setting('log'),
    why: 'a library logs little; the image logs more',
  },
  {
    what: 'retention of rejected actions',
    guides: '24 h (1)',
    ours: code('security/audit/audit-config.ts', /retention = ('\w+')/),
    why: 'as the rest of the audit log; at least 24 h',
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
    why: 'with a common limit, one slow host could block the others; `egress.allow` lists the hosts',
  },
  {
    what: 'lifetime of an idle connection',
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
    why: 'one definition serves any number of calls; a pool is for expensive instances, so it has fewer',
  },
  {
    what: 'idle time of an instance',
    guides: '300 s (4)',
    ours: 'not set',
    why: 'expensive instances stay until the pool closes; `maxIdle` sets a limit',
  },
  {
    what: 'concurrent branches',
    guides: '10 (4)',
    ours: code('topology/canonical/run-config.ts', /defaultParallelBranches = (\d+)/),
  },
  {
    what: 'deadline of a join',
    guides: '60 s (4)',
    ours: 'not set',
    why: 'a minute would end working branches; `deadline` of a node or the config sets one',
  },
  {
    what: 'tokens and temperature of an answer',
    guides: '1000, 0.7 (3)',
    ours: `${setting('models.defaults.maxOutputTokens')}, ${setting('models.defaults.temperature')}`,
    why: 'those of the model: an answer truncated at 1,000 tokens is an unexpected failure; `AGENT_MAX_TOKENS` and `AGENT_TEMPERATURE` set both',
  },
  {
    what: 'length of a validated text',
    guides: '1000 (3)',
    ours: code('security/validation/validators.ts', /min = 0, max = ([\d_]+)/),
  },
]

const serving: readonly Default[] = [
  {
    what: 'connections to the server, `MAX_CONNECTIONS`',
    guides: '100 (5)',
    ours: setting('server.maxConnections'),
    why: 'includes event streams, of which a page has several. Connections to the database are `storage.poolSize`',
  },
  {
    what: 'lease of a message, `MESSAGE_TIMEOUT`',
    guides: '30 s (5)',
    ours: setting('messaging.lease'),
    why: 'a delivery that is neither acknowledged nor renewed by then is delivered again',
  },
  {
    what: 'requests of a caller of the server',
    guides: '100 a minute (4)',
    ours: `${setting('server.rateLimit.max')} in ${setting('server.rateLimit.window')}`,
  },
  {
    what: 'age of an API key at which its rotation is due, in days',
    guides: '30 (4)',
    ours: code('security/api-keys/api-keys.ts', /agedDays = (\d+)/),
    why: 'emits `key.rotation-due`; the key stays valid',
  },
  { what: 'port of the server', guides: '8000 (2, 4)', ours: setting('server.port') },
  {
    what: 'timeout of a shutdown',
    guides: 'no figure (3)',
    ours: setting('shutdown.timeout'),
    why: 'below the 30 s after which Kubernetes kills a process',
  },
]

const table = (rows: readonly Default[]) => [
  '| setting | others | Troupe | reason for a difference |',
  '|---|---|---|---|',
  ...rows.map(({ what, guides, ours, why = '' }) => `| ${what} | ${guides} | ${ours} | ${why} |`),
]

/** The page's text. */
export const renderDefaults = (): string =>
  [
    '# Defaults',
    '',
    '<!-- written by `node scripts/defaults-doc.ts` -->',
    '',
    'The defaults of Troupe beside those in the guides of other frameworks: Syntha (1, 2), LlmAgent (3), MARSYS (4) and Ceylon (5).',
    'All settings are in [settings.md](settings.md).',
    '',
    '## Resilience and caches',
    '',
    ...table(resilience),
    '',
    '## Storage and context',
    '',
    ...table(storage),
    '',
    '## Observability',
    '',
    ...table(seeing),
    '',
    '## Egress',
    '',
    ...table(egressDefaults),
    '',
    '## Agents and runs',
    '',
    ...table(agents),
    '',
    '## Server and process',
    '',
    ...table(serving),
    '',
  ].join('\n')

if (import.meta.main) writeFileSync(defaultsDoc, renderDefaults())
